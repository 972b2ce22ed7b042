package reunpack

// AtStep has f called before each step that lasts: a sync, a name for a file, a new
// directory. It is for tests that end the process there.
func AtStep(f func()) { atStep = f }
