package focus_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/focus"
)

// million is a FOCUS 1.0 export of a month: a thousand accounts' functions, queues
// and buckets, with every column of AWS's exports.
const million = `SELECT
    '' AS AvailabilityZone,
    toDecimal64(number % 997, 11) / 1000003 AS BilledCost,
    '999999999999' AS BillingAccountId,
    'payer' AS BillingAccountName,
    'USD' AS BillingCurrency,
    toDateTime('2026-11-01 00:00:00', 'UTC') AS BillingPeriodEnd,
    toDateTime('2026-10-01 00:00:00', 'UTC') AS BillingPeriodStart,
    'Usage' AS ChargeCategory,
    '' AS ChargeClass,
    '$0.0000166667 per GB-Second in US East (N. Virginia)' AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    toDateTime('2026-10-01 01:00:00', 'UTC') + (number % 744) * 3600 AS ChargePeriodEnd,
    toDateTime('2026-10-01 00:00:00', 'UTC') + (number % 744) * 3600 AS ChargePeriodStart,
    '' AS CommitmentDiscountCategory,
    '' AS CommitmentDiscountId,
    '' AS CommitmentDiscountName,
    '' AS CommitmentDiscountStatus,
    '' AS CommitmentDiscountType,
    toDecimal64(number % 100000, 9) / 7 AS ConsumedQuantity,
    'GB-Seconds' AS ConsumedUnit,
    toDecimal64(number % 997, 11) / 1000003 AS ContractedCost,
    toDecimal64(0.0000166667, 10) AS ContractedUnitPrice,
    toDecimal64(number % 997, 11) / 1000003 AS EffectiveCost,
    'Amazon Web Services, Inc.' AS InvoiceIssuerName,
    toDecimal64(number % 997, 11) / 1000003 AS ListCost,
    toDecimal64(0.0000166667, 10) AS ListUnitPrice,
    'Standard' AS PricingCategory,
    toDecimal64(number % 100000, 9) / 7 AS PricingQuantity,
    'GB-Seconds' AS PricingUnit,
    'AWS' AS ProviderName,
    'Amazon Web Services, Inc.' AS PublisherName,
    ['us-east-1', 'eu-west-1', 'eu-central-1'][number % 3 + 1] AS RegionId,
    ['US East (N. Virginia)', 'Europe (Ireland)', 'Europe (Frankfurt)'][number % 3 + 1] AS RegionName,
    concat('arn:aws:lambda:us-east-1:', toString(100000000000 + number % 1000), ':function:service-', toString(number % 20011)) AS ResourceId,
    '' AS ResourceName,
    'function' AS ResourceType,
    'Compute' AS ServiceCategory,
    ['AWS Lambda', 'Amazon Simple Queue Service', 'Amazon Simple Storage Service'][number % 3 + 1] AS ServiceName,
    'B5V2RNHAWGVJBZD3' AS SkuId,
    'B5V2RNHAWGVJBZD3.JRTCKXETXF.6YS6EN2CT7' AS SkuPriceId,
    toString(100000000000 + number % 1000) AS SubAccountId,
    'member' AS SubAccountName,
    TAGS AS Tags,
    'AWSLambda' AS x_ServiceCode,
    'Lambda-GB-Second' AS x_UsageType
FROM numbers(1000000)`

// BenchmarkImportMillion imports a million rows into a durable embedded store,
// checks and all, again and again: each import supersedes the one before.
func BenchmarkImportMillion(b *testing.B) {
	for _, c := range []struct{ name, format, tags string }{
		{"focus.csv", "CSVWithNames", `concat('{"owner": "team-', toString(number % 37), '", "env": "prod"}')`},
		{"focus.parquet", "Parquet", `map('owner', concat('team-', toString(number % 37)), 'env', 'prod')`},
	} {
		b.Run(c.name, func(b *testing.B) { importMillion(b, c.name, c.format, c.tags) })
	}
}

func importMillion(b *testing.B, name, format, tags string) {
	dir := b.TempDir()
	s, err := store.Open(context.Background(), store.Options{DSN: "embedded:" + filepath.Join(dir, "store")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	path := filepath.Join(dir, name)
	if err := s.Exec(b.Context(), fmt.Sprintf("INSERT INTO FUNCTION file('%s', '%s') %s", path, format, strings.Replace(million, "TAGS", tags, 1)), nil); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	before := peakRSS(b, true)
	for b.Loop() {
		r, err := focus.Import(b.Context(), s, focus.Options{Export: "bench", Files: []focus.File{{Path: path, Name: name}}})
		if err != nil {
			b.Fatal(err)
		}
		if r.Rows != 1_000_000 {
			b.Fatalf("%d rows", r.Rows)
		}
	}
	b.ReportMetric(float64(1_000_000*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(info.Size())/1e6, "file-MB")
	b.ReportMetric(before, "before-MB")
	b.ReportMetric(peakRSS(b, false), "peak-MB")
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakRSS is the process's peak of resident memory in MB since it was last reset;
// 0 where the system does not tell.
func peakRSS(b *testing.B, reset bool) float64 {
	b.Helper()
	if reset {
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			b.Logf("the peak is not reset: %v", err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := highWater.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024 / 1e6
}
