package price

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed prices.csv
var snapshot string

// Forever is the valid_to of a price that is still valid: a day ClickHouse's
// Date can hold.
var Forever = time.Date(2149, time.June, 6, 0, 0, 0, 0, time.UTC)

var header = []string{"item", "region", "arch", "tier_from", "unit", "usd", "valid_from", "valid_to", "source"}

// Snapshot is the embedded price list as rows of the prices table. CollectedAt
// is the day the snapshot is valid from, so prices read later outrank it.
func Snapshot() ([]schema.Price, error) {
	rows, err := parseCSV(strings.NewReader(snapshot))
	if err != nil {
		return nil, fmt.Errorf("read the embedded prices.csv: %w", err)
	}
	return rows, nil
}

func parseCSV(r io.Reader) ([]schema.Price, error) {
	in := csv.NewReader(r)
	in.Comment = '#'
	in.FieldsPerRecord = len(header)
	first, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if got, want := strings.Join(first, ","), strings.Join(header, ","); got != want {
		return nil, fmt.Errorf("the header is %s: want %s", got, want)
	}
	var rows []schema.Price
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row, err := parseRecord(record)
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, row)
	}
}

func parseRecord(record []string) (schema.Price, error) {
	tier, tierErr := decimal.NewFromString(record[3])
	usd, usdErr := decimal.NewFromString(record[5])
	from, fromErr := time.Parse(time.DateOnly, record[6])
	to, toErr := Forever, error(nil)
	if record[7] != "" {
		to, toErr = time.Parse(time.DateOnly, record[7])
	}
	if err := errors.Join(tierErr, usdErr, fromErr, toErr); err != nil {
		return schema.Price{}, err
	}
	return schema.Price{
		Item: record[0], Region: record[1], Arch: record[2], TierFrom: tier, Unit: record[4], USD: usd,
		ValidFrom: from, ValidTo: to, Source: record[8], CollectedAt: from,
	}, nil
}
