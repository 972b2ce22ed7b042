package goldindex

// AtStep has f called before each step of the ledger that lasts: a sync, a rename, a
// removal. It is for tests that end the process there.
func AtStep(f func()) { atStep = f }
