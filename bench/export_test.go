package bench

// Took is how the page says a time.
func Took(seconds float64) string { return took(seconds) }

// ZerosOf is how many bytes of a file a store makes holes of.
func ZerosOf(name string, size int64) (int64, error) { return zerosOf(name, size) }
