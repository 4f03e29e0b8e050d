package awssim

import (
	"math"
	"strings"
	"testing"
	"time"
)

// billed sums the final quantities of a usage type on a day.
func billed(lines []BillLine, day time.Time, region, usageType string) (quantity float64) {
	for _, l := range lines {
		if l.Date.Equal(day) && l.Region == region && l.UsageType == usageType {
			quantity += l.Final.Quantity
		}
	}
	return quantity
}

func billWorld(t *testing.T) (*World, []BillLine) {
	t.Helper()
	w := generate(t, GenerateOptions{Seed: 12, Days: 4})
	return w, w.BillLines(w.Start(), w.Now)
}

// TestBillIsWhatWasUsed recomputes the Lambda bill from REPORT lines.
func TestBillIsWhatWasUsed(t *testing.T) {
	t.Parallel()
	w, lines := billWorld(t)
	for _, r := range w.Regions {
		prefix := map[string]string{"us-east-1": "", "eu-west-1": "EU-"}[r.Name]
		for day := w.Start(); day.Before(w.Now); day = day.AddDate(0, 0, 1) {
			want := map[string]float64{}
			for _, g := range r.LogGroups() {
				for line := range r.ReportLines(g.Name, day, day.AddDate(0, 0, 1)) {
					r.use(want, prefix, &line)
				}
			}
			for usageType, quantity := range want {
				if got := billed(lines, day, r.Name, usageType); !near(quantity, got) {
					t.Errorf("%s of %s: %v on the bill, %v was used", usageType, day.Format(time.DateOnly), got, quantity)
				}
			}
			for _, l := range lines {
				if l.Service == "AWS Lambda" && l.Region == r.Name && l.Final.Quantity > 0 && !strings.Contains(l.UsageType, "Provisioned-Concurrency") && want[l.UsageType] == 0 {
					t.Errorf("%s is billed and nothing used it", l.UsageType)
				}
			}
		}
	}
}

func (r *Region) use(sum map[string]float64, prefix string, line *ReportLine) {
	f := r.Function(line.FunctionName)
	arm := ""
	if f.Architecture == "arm64" {
		arm = "-ARM"
	}
	n, seconds := float64(line.Weight), float64(line.Weight*line.BilledMS)/1000
	sum[prefix+"Request"+arm] += n
	duration := "Lambda-GB-Second"
	if len(f.ProvisionedConcurrency) > 0 {
		duration = "Lambda-Provisioned-GB-Second"
	}
	sum[prefix+duration+arm] += seconds * float64(line.MemoryMB) / 1024
	if f.EphemeralMB > 512 {
		sum[prefix+"Lambda-Storage-GB-Second"+arm] += seconds * float64(f.EphemeralMB-512) / 1024
	}
}

// TestBillOfTheNetwork recomputes NAT gateways from their metrics.
func TestBillOfTheNetwork(t *testing.T) {
	t.Parallel()
	w, lines := billWorld(t)
	for _, r := range w.Regions {
		prefix := map[string]string{"us-east-1": "", "eu-west-1": "EU-"}[r.Name]
		for day := w.Start(); day.Before(w.Now); day = day.AddDate(0, 0, 1) {
			bytes := 0.0
			for _, n := range r.NATGateways {
				for _, metric := range []string{"BytesOutToDestination", "BytesInFromDestination"} {
					for _, v := range r.points(MetricID{"AWS/NATGateway", metric, map[string]string{"NatGatewayId": n.ID}}, "Sum", day, day.AddDate(0, 0, 1), time.Hour) {
						bytes += v
					}
				}
			}
			if got := billed(lines, day, r.Name, prefix+"NatGateway-Bytes"); !near(bytes/(1<<30), got) {
				t.Errorf("%s: %v GB billed, %v GB flowed", r.Name, got, bytes/(1<<30))
			}
			if got, want := billed(lines, day, r.Name, prefix+"NatGateway-Hours"), 24*float64(len(r.NATGateways)); got != want {
				t.Errorf("%s: %v gateway hours billed, want %v", r.Name, got, want)
			}
		}
	}
}

// TestBillAmounts holds what is true of every line.
func TestBillAmounts(t *testing.T) {
	t.Parallel()
	w, lines := billWorld(t)
	rates := map[string]float64{
		"Request": 0.0000002, "EU-Lambda-GB-Second": 0.0000166667, "Lambda-GB-Second-ARM": 0.0000133334,
		"NatGateway-Hours": 0.045, "EU-NatGateway-Bytes": 0.048, "EU-DataProcessing-Bytes": 0.57, "Requests-Tier1": 0,
	}
	seen, estimated := map[string]bool{}, 0
	for _, l := range lines {
		if rate := rates[l.UsageType]; rate > 0 {
			seen[l.UsageType] = true
			if !near(l.Final.Quantity*rate, l.Final.Unblended) || !near(l.Quantity*rate, l.Unblended) {
				t.Errorf("%s: %v costs %v", l.UsageType, l.Quantity, l.Unblended)
			}
		}
		if l.Unblended != l.Amortized || !near(l.NetUnblended, 0.97*l.Unblended) || l.NetAmortized != l.NetUnblended {
			t.Errorf("costs do not fit together: %+v", l)
		}
		if recent := !l.Date.Before(w.Now.AddDate(0, 0, -2)); recent != l.Estimated {
			t.Errorf("%v is estimated: %v", l.Date, l.Estimated)
		}
		switch {
		case l.Estimated && l.Final.Quantity > 0:
			estimated++
			if share := l.Quantity / l.Final.Quantity; share < 0.6 || share >= 1 {
				t.Errorf("%v of %s has arrived", share, l.UsageType)
			}
		case !l.Estimated && l.Amounts != l.Final:
			t.Errorf("a final line is restated: %+v", l)
		}
		for key := range l.Tags {
			if !strings.Contains(" cost-center environment owner ", " "+key+" ") {
				t.Errorf("the tag %s is on the bill and is not activated", key)
			}
		}
	}
	if len(seen) != len(rates)-1 || estimated == 0 {
		t.Errorf("saw %v and %d estimated lines", seen, estimated)
	}
}

func TestBillWindows(t *testing.T) {
	t.Parallel()
	w, lines := billWorld(t)
	middle := w.Start().AddDate(0, 0, 2)
	if parts := len(w.BillLines(w.Start(), middle)) + len(w.BillLines(middle, w.Now)); parts != len(lines) || parts == 0 {
		t.Errorf("%d lines, its parts have %d", len(lines), parts)
	}
	if got := w.BillLines(w.Now, w.Start()); len(got) != 0 {
		t.Errorf("a window that ends before it begins has %d lines", len(got))
	}
	sum := 0.0
	for _, l := range lines {
		sum += l.Final.Unblended
	}
	if math.IsNaN(sum) || sum < 10 {
		t.Errorf("four days cost %v USD", sum)
	}
}
