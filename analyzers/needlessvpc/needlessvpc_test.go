package needlessvpc

import (
	"testing"

	"github.com/faaswarden/faaswarden/internal/analysis/analysistest"
)

func TestScenarios(t *testing.T) { analysistest.Run(t, Analyzer) }
