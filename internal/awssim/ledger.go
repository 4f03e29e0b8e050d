package awssim

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// CallRecord is what one operation in one account and region was asked so far.
type CallRecord struct {
	Account      string
	Service      string // the signing name: "monitoring"
	Operation    string
	Region       string
	Calls        int     // requests that arrived, signed, however they ended
	Throttled    int     // refused for rate
	Denied       int     // refused for want of permission
	Failed       int     // ended otherwise than well: faults and mistakes of the caller
	Billed       float64 // what AWS charges for, of the calls that were answered
	BilledUnit   string  // "page", "metric", "request", "GB"; "" for free operations
	MaxPerSecond int     // the most that arrived within any one second
}

// QuotaRecord is how hard a shared quota was used.
type QuotaRecord struct {
	Account      string
	Service      string
	Quota        string // "control plane"
	Region       string
	PerSecond    float64 // what the service allows
	MaxPerSecond int     // the most that arrived within any one second
}

// Stats is everything a server was asked.
type Stats struct {
	Calls  []CallRecord  // by account, service, operation and region
	Quotas []QuotaRecord // by account, service, quota and region
}

// Operation sums the records of an operation over accounts and regions. MaxPerSecond is the
// largest of them.
func (s Stats) Operation(service, operation string) CallRecord {
	sum := CallRecord{Service: service, Operation: operation}
	for _, r := range s.Calls {
		if r.Service != service || r.Operation != operation {
			continue
		}
		sum.Calls += r.Calls
		sum.Throttled += r.Throttled
		sum.Denied += r.Denied
		sum.Failed += r.Failed
		sum.Billed += r.Billed
		sum.BilledUnit = r.BilledUnit
		sum.MaxPerSecond = max(sum.MaxPerSecond, r.MaxPerSecond)
	}
	return sum
}

// ledger counts requests. It is safe for concurrent use.
type ledger struct {
	mu     sync.Mutex
	calls  map[callKey]*callEntry
	quotas map[callKey]*quotaEntry // operation is the quota's name
}

type callKey struct{ account, service, operation, region string }

type callEntry struct {
	CallRecord
	window window
}

type quotaEntry struct {
	QuotaRecord
	window window
}

// window counts what fell into the last second.
type window struct{ recent []time.Time }

// add counts one more and tells how many the last second holds.
func (w *window) add(now time.Time) int {
	since := now.Add(-time.Second)
	stale := 0
	for stale < len(w.recent) && !w.recent[stale].After(since) {
		stale++
	}
	w.recent = append(slices.Delete(w.recent, 0, stale), now)
	return len(w.recent)
}

func newLedger() *ledger {
	return &ledger{calls: map[callKey]*callEntry{}, quotas: map[callKey]*quotaEntry{}}
}

// arrived counts a request of an operation and against its quota.
func (l *ledger) arrived(c *call, now time.Time) {
	svc, op := c.service, c.operation
	l.mu.Lock()
	defer l.mu.Unlock()
	key := callKey{c.account(), svc.name, op.name, c.region}
	entry := l.calls[key]
	if entry == nil {
		entry = &callEntry{CallRecord: CallRecord{Account: key.account, Service: svc.name, Operation: op.name, Region: c.region, BilledUnit: op.billed}}
		l.calls[key] = entry
	}
	entry.Calls++
	entry.MaxPerSecond = max(entry.MaxPerSecond, entry.window.add(now))
	q, ok := svc.quotaFor(op)
	if !ok {
		return
	}
	key.operation = q.name
	shared := l.quotas[key]
	if shared == nil {
		shared = &quotaEntry{QuotaRecord: QuotaRecord{Account: key.account, Service: svc.name, Quota: q.name, Region: c.region, PerSecond: q.perSecond}}
		l.quotas[key] = shared
	}
	shared.MaxPerSecond = max(shared.MaxPerSecond, shared.window.add(now))
}

// ended counts how a request that arrived turned out.
func (l *ledger) ended(c *call, how failure, failed bool, billed float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry := l.calls[callKey{c.account(), c.service.name, c.operation.name, c.region}]
	switch {
	case !failed:
		entry.Billed += billed
	case how == failThrottled:
		entry.Throttled++
	case how == failDenied:
		entry.Denied++
	default:
		entry.Failed++
	}
}

// stats is a copy, sorted.
func (l *ledger) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s Stats
	for _, e := range l.calls {
		s.Calls = append(s.Calls, e.CallRecord)
	}
	for _, e := range l.quotas {
		s.Quotas = append(s.Quotas, e.QuotaRecord)
	}
	slices.SortFunc(s.Calls, func(a, b CallRecord) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Region, b.Region))
	})
	slices.SortFunc(s.Quotas, func(a, b QuotaRecord) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Quota, b.Quota), cmp.Compare(a.Region, b.Region))
	})
	return s
}
