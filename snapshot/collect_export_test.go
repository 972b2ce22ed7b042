package snapshot

// WithWindow lets so few objects be known in one reading of the manifests.
func (o CollectOptions) WithWindow(n int) CollectOptions { o.most = n; return o }

// WithoutFile lets what has no room in memory not be written into a file.
func (o CollectOptions) WithoutFile() CollectOptions { o.noFile = errFull; return o }
