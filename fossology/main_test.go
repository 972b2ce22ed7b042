package fossology_test

import (
	"testing"

	"repotool/repotest"
)

func TestMain(m *testing.M) { repotest.Main(m) }
