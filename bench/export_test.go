package bench

import "context"

// Took is how the page says a time.
func Took(seconds float64) string { return took(seconds) }

// ZerosOf is how many bytes of a file a store makes holes of.
func ZerosOf(name string, size int64) (int64, error) { return zerosOf(name, size) }

// ReadUploads is the part of a survey that goes through uploads.
func (s *Survey) ReadUploads(ctx context.Context, db Installed, o *SurveyOptions) error {
	return s.uploads(ctx, db, o)
}
