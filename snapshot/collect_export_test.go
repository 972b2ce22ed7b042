package snapshot

// WithWindow lets so few objects be known in one reading of the manifests.
func (o CollectOptions) WithWindow(n int) CollectOptions { o.window = n; return o }
