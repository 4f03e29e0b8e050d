package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// ErrMalformed marks an answer that was read and makes no sense. It costs the
// evidence that it would have been.
var ErrMalformed = errors.New("malformed answer")

// BillingRegion is where a partition's services of cost management are: one
// place for each.
func BillingRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-northwest-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	default:
		return "us-east-1"
	}
}

// DataUnavailable reports that Cost Explorer has nothing of the kind that was
// asked: an answer, where nothing is possible, and a gap elsewhere.
func DataUnavailable(err error) bool { return Code(err) == "DataUnavailableException" }

// CostExplorerRemedy adds to an error what a person can do about it. An account
// that does not use Cost Explorer is refused as if by IAM, which no policy would mend.
func CostExplorerRemedy(err error) error {
	switch {
	case DataUnavailable(err):
		return errors.New("no data: Cost Explorer prepares an account's data within 24 hours of being enabled, " +
			"in the Billing console of the paying account (" + err.Error() + ")")
	case err != nil && strings.Contains(strings.ToLower(err.Error()), "not enabled for cost explorer"):
		return errors.New("not enabled for Cost Explorer: open it once in the Billing console, and data appears within 24 hours; " +
			"in an organization the paying account must also allow its members to use it (" + err.Error() + ")")
	}
	return err
}

// Amount is a decimal that a service of cost management wrote as text, rounded
// to what the store keeps; what names it in errors.
func Amount(what string, text *string) (decimal.Decimal, error) {
	const places = 12
	if text == nil {
		return decimal.Zero, fmt.Errorf("%w: no %s", ErrMalformed, what)
	}
	d, err := decimal.NewFromString(*text)
	if err != nil {
		return decimal.Zero, fmt.Errorf("%w: %s %q", ErrMalformed, what, *text)
	}
	return d.Round(places), nil
}

// Date is a day that a service of cost management wrote as text, with or without
// a time after it; what names it in errors.
func Date(what string, text *string) (time.Time, error) {
	date, _, _ := strings.Cut(aws.ToString(text), "T")
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %s %q", ErrMalformed, what, aws.ToString(text))
	}
	return day, nil
}

// Instant is a time as stored: the epoch where a service does not tell one.
func Instant(t *time.Time) time.Time {
	if t == nil || t.Before(time.Unix(0, 0)) {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC().Truncate(time.Second)
}

// ParseInstant is a time that a service wrote as text, as stored: the epoch for
// none, or for what is no time.
func ParseInstant(text *string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000-0700", time.DateOnly} {
		if t, err := time.Parse(layout, aws.ToString(text)); err == nil && !t.Before(time.Unix(0, 0)) {
			return t.UTC()
		}
	}
	return time.Unix(0, 0).UTC()
}

// CompactJSON writes a value of the SDK, such as a filter expression, as JSON
// without the members that are not set; "" for nothing.
func CompactJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return ""
	}
	if tree = prune(tree); tree == nil {
		return ""
	}
	raw, err = json.Marshal(tree)
	if err != nil {
		return ""
	}
	return string(raw)
}

// prune drops what is null or empty, and then what has become empty.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if v[key] = prune(member); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = prune(v[i])
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// Absorb makes an error a gap of a table's evidence and returns nil, or returns
// the error when it must end the run: see Stop.
func (r *Run) Absorb(ctx context.Context, table, kind, action string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case Stop(err):
		return err
	}
	r.Gap(table, kind, "", action, err)
	return nil
}

// Feature writes whether the account uses an optional part of AWS cost
// management, which is an answer either way; detail says why not.
func Feature(ctx context.Context, r *Run, name string, enabled bool, detail string) error {
	row := schema.CostFeature{Account: r.Account, Region: r.Region, Feature: name, Enabled: enabled, Detail: detail, CollectedAt: r.Now}
	if err := Put(ctx, r, row); err != nil {
		return err
	}
	r.Complete(row.Table(), name)
	return nil
}
