package bench

// Took is how the page says a time.
func Took(seconds float64) string { return took(seconds) }
