package store_test

import (
	"testing"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

func TestFirst(t *testing.T) {
	s := storetest.Open(t)
	if err := s.Insert(t.Context(), schema.Function{Account: "a", FunctionName: "it's"}); err != nil {
		t.Fatal(err)
	}
	for f, err := range store.Select[schema.Function](t.Context(), s, "SELECT * FROM functions_current WHERE function_name = {n:String}", map[string]any{"n": "it's"}) {
		t.Log(f, err)
	}
}
