package price

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

var (
	thousand    = decimal.NewFromInt(1000)
	mbPerGB     = decimal.NewFromInt(1024)
	five        = decimal.NewFromInt(300) // seconds that provisioned concurrency is rounded up to
	initBilling = time.Date(2025, time.August, 1, 0, 0, 0, 0, time.UTC)
)

// freeEphemeralMB of storage come with every function.
const freeEphemeralMB = 512

// GBSeconds of billed milliseconds at a memory size.
func GBSeconds(memoryMB uint32, billedMS decimal.Decimal) decimal.Decimal {
	return gbSeconds(int64(memoryMB), billedMS)
}

// gbSeconds divides last, so that it is exact wherever the result is.
func gbSeconds(mb int64, ms decimal.Decimal) decimal.Decimal {
	return ms.Mul(decimal.NewFromInt(mb)).Div(thousand.Mul(mbPerGB))
}

// EphemeralGBSeconds beyond the storage that is free.
func EphemeralGBSeconds(ephemeralMB uint32, billedMS decimal.Decimal) decimal.Decimal {
	if ephemeralMB <= freeEphemeralMB {
		return decimal.Zero
	}
	return gbSeconds(int64(ephemeralMB)-freeEphemeralMB, billedMS)
}

// ProvisionedGBSeconds of concurrency held for a time, rounded up to five minutes.
func ProvisionedGBSeconds(memoryMB uint32, concurrency int64, held time.Duration) decimal.Decimal {
	seconds := decimal.NewFromInt(held.Milliseconds()).Div(thousand)
	rounded := seconds.Div(five).Ceil().Mul(five)
	return gbSeconds(int64(memoryMB)*concurrency, rounded.Mul(thousand))
}

// InitBilled says whether the INIT phase is billed to an on-demand function at
// a time. An empty runtime is a container image's.
func InitBilled(packageType, runtime string, at time.Time) bool {
	return !at.Before(initBilling) || packageType == "Image" || strings.HasPrefix(runtime, "provided")
}

// BilledMS of one invocation: its handler's time and, where it is billed, its
// INIT, rounded up to a millisecond.
func BilledMS(durationMS, initMS decimal.Decimal, initBilled bool) decimal.Decimal {
	if initBilled {
		durationMS = durationMS.Add(initMS)
	}
	return durationMS.Ceil()
}

// Duration is the USD of on-demand compute, graduated over the tiers: billedMS
// is a sum over the invocations of one month.
func (b *Book) Duration(region, arch string, memoryMB uint32, billedMS decimal.Decimal, at time.Time) (decimal.Decimal, error) {
	return b.USD(GBSecond, region, arch, GBSeconds(memoryMB, billedMS), at)
}

// Requests is the USD of requests.
func (b *Book) Requests(region, arch string, n uint64, at time.Time) (decimal.Decimal, error) {
	return b.USD(Request, region, arch, decimal.NewFromUint64(n), at)
}

// Ephemeral is the USD of storage beyond what is free.
func (b *Book) Ephemeral(region, arch string, ephemeralMB uint32, billedMS decimal.Decimal, at time.Time) (decimal.Decimal, error) {
	units := EphemeralGBSeconds(ephemeralMB, billedMS)
	if units.IsZero() {
		return decimal.Zero, nil
	}
	return b.USD(EphemeralGBSecond, region, arch, units, at)
}

// Provisioned is the USD of holding concurrency, used or not.
func (b *Book) Provisioned(region, arch string, memoryMB uint32, concurrency int64, held time.Duration, at time.Time) (decimal.Decimal, error) {
	return b.USD(ProvisionedGBSecond, region, arch, ProvisionedGBSeconds(memoryMB, concurrency, held), at)
}
