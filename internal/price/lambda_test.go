package price

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

var october = time.Date(2026, time.October, 15, 0, 0, 0, 0, time.UTC)

func dec(t *testing.T, text string) decimal.Decimal {
	t.Helper()
	d, err := decimal.NewFromString(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func snapshotBook(t *testing.T) *Book {
	t.Helper()
	rows, err := Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBook(rows)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// usage is a month of one AWS example. AWS deducts the payer's free tier from
// requests and GB-seconds where the example says so.
type usage struct {
	requests, freeReqs    int64
	ms                    int64 // a request
	memoryMB, ephemeralMB uint32
	freeGBs               int64
	provisioned           int64 // environments held
	held                  time.Duration
	underProvisioned      int64 // requests that ran on them
	provisionedMS         int64
}

// TestAWSExamples prices the worked examples of aws.amazon.com/lambda/pricing,
// US East (N. Virginia), to the cent that AWS prints.
func TestAWSExamples(t *testing.T) {
	t.Parallel()
	const free, freeGBs = 1_000_000, 400_000
	for _, tt := range []struct {
		name string
		use  usage
		want string
	}{
		{
			"Lambda Pricing, example 1: mobile application backend",
			usage{requests: 3_000_000, freeReqs: free, ms: 120, memoryMB: 1536, freeGBs: freeGBs},
			"2.73",
		},
		{
			"Lambda Pricing, example 2: enriching streaming telemetry with additional metadata",
			usage{requests: 10_000 * 24 * 31, ms: 2000, memoryMB: 1024},
			"249.49",
		},
		{
			"Lambda Pricing, example 3: performing ML on customer support tickets",
			usage{requests: 6_000_000, freeReqs: free, ms: 280, memoryMB: 4096, ephemeralMB: 2048, freeGBs: freeGBs},
			"106.41",
		},
		{
			"Provisioned Concurrency Pricing, example 1: mobile application launch",
			usage{
				requests: 3_000_000, freeReqs: free, ms: 120, memoryMB: 1536, freeGBs: freeGBs,
				provisioned: 100, held: 8 * time.Hour, underProvisioned: 500_000, provisionedMS: 100,
			},
			"19.96",
		},
		{
			"Provisioned Concurrency Pricing, example 2: Cyber Monday",
			usage{
				requests: 2_000_000, memoryMB: 4096,
				provisioned: 7, held: 24 * time.Hour, underProvisioned: 2_000_000, provisionedMS: 280,
			},
			"32.26",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := exampleUSD(t, snapshotBook(t), tt.use).StringFixed(2); got != tt.want {
				t.Errorf("cost $%s: AWS prints $%s", got, tt.want)
			}
		})
	}
}

// exampleUSD adds up the lines of an example, each rounded to cents as AWS does.
func exampleUSD(t *testing.T, b *Book, u usage) decimal.Decimal {
	t.Helper()
	const region, arch = "us-east-1", "x86_64"
	sum := decimal.Zero
	add := func(usd decimal.Decimal, err error) {
		if err != nil {
			t.Fatal(err)
		}
		sum = sum.Add(usd.Round(2))
	}
	add(b.Requests(region, arch, uint64(u.requests-u.freeReqs), october))
	ms := decimal.NewFromInt((u.requests - u.underProvisioned) * u.ms)
	onDemand := decimal.Max(decimal.Zero, GBSeconds(u.memoryMB, ms).Sub(decimal.NewFromInt(u.freeGBs)))
	add(b.USD(GBSecond, region, arch, onDemand, october))
	add(b.Ephemeral(region, arch, u.ephemeralMB, ms, october))
	add(b.Provisioned(region, arch, u.memoryMB, u.provisioned, u.held, october))
	provisionedMS := decimal.NewFromInt(u.underProvisioned * u.provisionedMS)
	add(b.USD(ProvisionedDuration, region, arch, GBSeconds(u.memoryMB, provisionedMS), october))
	return sum
}

// TestPricePerMillisecond checks the table "price per 1 ms" of
// aws.amazon.com/lambda/pricing, which AWS rounds to ten decimals.
func TestPricePerMillisecond(t *testing.T) {
	t.Parallel()
	b := snapshotBook(t)
	for _, tt := range []struct {
		arch     string
		memoryMB uint32
		want     string
	}{
		{"x86_64", 128, "0.0000000021"},
		{"x86_64", 512, "0.0000000083"},
		{"x86_64", 1024, "0.0000000167"},
		{"x86_64", 1536, "0.0000000250"},
		{"x86_64", 3072, "0.0000000500"},
		{"x86_64", 10240, "0.0000001667"},
		{"arm64", 128, "0.0000000017"},
		{"arm64", 1024, "0.0000000133"},
		{"arm64", 10240, "0.0000001333"},
	} {
		got, err := b.Duration("us-east-1", tt.arch, tt.memoryMB, decimal.NewFromInt(1), october)
		if err != nil {
			t.Fatal(err)
		}
		if got.StringFixed(10) != tt.want {
			t.Errorf("1 ms at %d MB on %s costs %s: want %s", tt.memoryMB, tt.arch, got.StringFixed(10), tt.want)
		}
	}
}

func TestGBSeconds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		memoryMB uint32
		ms       string
		want     string
	}{
		{1024, "1000", "1"},
		{128, "1", "0.000125"},
		{1769, "1", "0.0017275390625"}, // a memory size in 1-MB steps stays exact
		{0, "1000", "0"},
	} {
		if got := GBSeconds(tt.memoryMB, dec(t, tt.ms)); !got.Equal(dec(t, tt.want)) {
			t.Errorf("%d MB for %s ms is %s GB-s: want %s", tt.memoryMB, tt.ms, got, tt.want)
		}
	}
}

func TestProvisionedRoundsUpToFiveMinutes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		held time.Duration
		want string // GB-seconds of one environment of 1 GB
	}{
		{0, "0"},
		{time.Second, "300"},
		{5 * time.Minute, "300"},
		{5*time.Minute + time.Millisecond, "600"},
		{time.Hour, "3600"},
	} {
		if got := ProvisionedGBSeconds(1024, 1, tt.held); !got.Equal(dec(t, tt.want)) {
			t.Errorf("held %s: %s GB-s, want %s", tt.held, got, tt.want)
		}
	}
}

func TestEphemeralIsFreeTo512MB(t *testing.T) {
	t.Parallel()
	second := decimal.NewFromInt(1000)
	for _, tt := range []struct {
		mb   uint32
		want string
	}{{0, "0"}, {512, "0"}, {513, "0.0009765625"}, {10240, "9.5"}} {
		if got := EphemeralGBSeconds(tt.mb, second); !got.Equal(dec(t, tt.want)) {
			t.Errorf("%d MB for a second: %s GB-s, want %s", tt.mb, got, tt.want)
		}
	}
}

// TestInitBilled holds the rule of the AWS Compute Blog's announcement: INIT of
// managed runtimes in ZIP packages is billed from 2025-08-01 on.
func TestInitBilled(t *testing.T) {
	t.Parallel()
	before := time.Date(2025, time.July, 31, 23, 59, 59, 0, time.UTC)
	since := time.Date(2025, time.August, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, packageType, runtime string
		at                         time.Time
		want                       bool
	}{
		{"managed runtime before", "Zip", "python3.13", before, false},
		{"managed runtime since", "Zip", "python3.13", since, true},
		{"custom runtime before", "Zip", "provided.al2023", before, true},
		{"image before", "Image", "", before, true},
		{"image since", "Image", "", since, true},
	} {
		if got := InitBilled(tt.packageType, tt.runtime, tt.at); got != tt.want {
			t.Errorf("%s: billed %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestBilledMS uses REPORT lines as AWS writes them: Duration, Init Duration,
// Billed Duration.
func TestBilledMS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		duration, initMS string
		billed           bool
		want             string
	}{
		{"14.97", "0", true, "15"},
		{"3.10", "542.01", true, "546"},
		{"6897.54", "916.39", true, "7814"},
		{"6897.54", "916.39", false, "6898"},
		{"3000.00", "0", true, "3000"},
	} {
		if got := BilledMS(dec(t, tt.duration), dec(t, tt.initMS), tt.billed); !got.Equal(dec(t, tt.want)) {
			t.Errorf("duration %s, init %s: billed %s ms, want %s", tt.duration, tt.initMS, got, tt.want)
		}
	}
}
