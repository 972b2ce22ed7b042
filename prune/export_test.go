package prune

// SetStep has f called before each step that lasts.
func SetStep(f func()) { atStep = f }
