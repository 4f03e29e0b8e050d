package awssim

import (
	"errors"
	"time"
)

// GenerateOptions say how large a world to generate. Zero values mean the demo's:
// seed 1, 200 functions, 30 days up to the last UTC midnight, us-east-1 and eu-west-1.
type GenerateOptions struct {
	Seed      int64
	Functions int
	Days      int
	Now       time.Time // rounded down to a UTC midnight
	Regions   []string
}

// Generate builds a world. The same options give the same world.
func Generate(o GenerateOptions) (*World, error) {
	if o.Now.IsZero() {
		return nil, errors.New("generate a world: Now must be set")
	}
	w := &World{Account: "123456789012", Partition: "aws", Now: o.Now.UTC().Truncate(24 * time.Hour), Days: o.Days, Seed: o.Seed}
	for _, name := range o.Regions {
		w.Regions = append(w.Regions, &Region{Name: name, ConcurrencyLimit: 1000, CodeSizeLimit: 300 << 30, world: w})
	}
	return w, nil
}
