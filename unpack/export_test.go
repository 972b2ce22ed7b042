package unpack

// Fewest is how many rows leave memory together at least.
const Fewest = fewest

// MostRows is how many rows of an upload were in memory at once.
func MostRows(r *Result) int64 { return r.most }
