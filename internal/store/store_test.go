package store_test

import (
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("in process", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.Store { return storetest.Open(t) })
	})
}
