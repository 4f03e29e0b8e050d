package awssim

import (
	"time"
)

// Amounts are a bill line's quantity and its cost by Cost Explorer's metrics, in USD.
type Amounts struct {
	Quantity     float64
	Unblended    float64
	Amortized    float64
	NetUnblended float64
	NetAmortized float64
}

// BillLine is a day's charge for one usage type and one set of cost-allocation tags.
type BillLine struct {
	Date      time.Time // UTC midnight
	Service   string    // as Cost Explorer's SERVICE dimension: "AWS Lambda"
	Region    string    // "global" for services without one
	UsageType string    // "Lambda-GB-Second", "EU-Lambda-GB-Second"
	Operation string
	Unit      string
	Tags      map[string]string // activated cost-allocation tags; a missing key is untagged
	Amounts                     // as Cost Explorer shows them at World.Now
	Estimated bool              // the last two days
	Final     Amounts           // what an estimated line is restated to; equals Amounts otherwise
}

// billCache keeps the computed bill.
type billCache struct{}

// BillLines lists the charges of the days in [from, to), by date.
func (w *World) BillLines(from, to time.Time) []BillLine { return nil }
