package store_test

import (
	"testing"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

func TestSizes(t *testing.T) {
	s := storetest.Open(t)
	rows := make([]schema.Row, 500)
	for i := range rows {
		rows[i] = schema.Cursor{Collector: "c", Key: string(rune('a' + i%26)), Value: "v", Account: string(rune('0' + i/26))}
	}
	if err := s.Insert(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	sizes, err := s.Sizes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	last := ""
	for _, size := range sizes {
		if size.Table <= last {
			t.Errorf("%s comes after %s", size.Table, last)
		}
		last, found[size.Table] = size.Table, true
		switch size.Table {
		case "cursors":
			if size.Rows != 500 || size.Bytes == 0 {
				t.Errorf("cursors: %+v, want 500 rows and their bytes", size)
			}
		case "schema_migrations":
		default:
			if size.Rows != 0 || size.Bytes != 0 {
				t.Errorf("an empty table has %+v", size)
			}
		}
	}
	for _, like := range schema.RowTypes() {
		if !found[like.Table()] {
			t.Errorf("no size of table %s", like.Table())
		}
	}
}
