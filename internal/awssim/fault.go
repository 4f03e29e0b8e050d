package awssim

import (
	"math/rand/v2"
	"path"
	"sync"
	"time"
)

// FaultKind is a way a request can go wrong.
type FaultKind string

// The faults the server can produce.
const (
	FaultServerError FaultKind = "server error"      // 500 in the service's shape
	FaultUnavailable FaultKind = "unavailable"       // 503 in the service's shape
	FaultHTML404     FaultKind = "html 404"          // a proxy's page
	FaultHTML500     FaultKind = "html 500"          // a proxy's page
	FaultTruncate    FaultKind = "truncate"          // the right answer, cut off: fewer bytes than announced
	FaultMalform     FaultKind = "malform"           // 200 with half an answer, announced as whole
	FaultSlow        FaultKind = "slow"              // the right answer after Delay
	FaultReset       FaultKind = "reset"             // the connection is reset
	FaultRepeatToken FaultKind = "repeat token"      // the page token never advances
	FaultTrickle     FaultKind = "trickle"           // the right answer, a byte every Delay
	FaultBadToken    FaultKind = "invalid token"     // page tokens are no longer valid
	FaultThrottle    FaultKind = "throttle"          // refused for rate
	FaultExpired     FaultKind = "expired token"     // the session has expired
	FaultDenied      FaultKind = "access denied"     // refused for want of permission
	FaultInvalid     FaultKind = "invalid signature" // as of a key whose secret was changed
)

// A Fault makes requests go wrong. Without Nth, Share and For it hits every
// request that matches.
type Fault struct {
	Account   string // glob; "" is any
	Region    string // glob; "" is any
	Service   string // signing name, glob; "" is any
	Operation string // glob; "" is any
	Nth       int    // the Nth matching request, counted from 1
	Count     int    // with Nth: how many from there on; zero is one
	Share     float64
	For       time.Duration // only that long after the first matching request
	Kind      FaultKind
	Delay     time.Duration // of FaultSlow and FaultTrickle
}

// faults is a table of faults and how often each has been looked at.
type faults struct {
	mu     sync.Mutex
	armed  []*armedFault
	serial uint64
}

type armedFault struct {
	Fault
	id     uint64
	seen   int
	first  time.Time
	chance *rand.Rand
}

// add arms faults and returns how to take them away again.
func (f *faults) add(list []Fault) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := map[uint64]bool{}
	for _, fault := range list {
		f.serial++
		ids[f.serial] = true
		f.armed = append(f.armed, &armedFault{Fault: fault, id: f.serial, chance: rand.New(rand.NewPCG(f.serial, 1))}) //nolint:gosec // repeatable on purpose
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		var left []*armedFault
		for _, a := range f.armed {
			if !ids[a.id] {
				left = append(left, a)
			}
		}
		f.armed = left
	}
}

// hit is the first fault that strikes this request, nil when none does. Every
// fault that matches counts the request.
func (f *faults) hit(c *call, now time.Time) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck *Fault
	for _, a := range f.armed {
		if a.matches(c) && a.strikes(now) && struck == nil {
			struck = &a.Fault
		}
	}
	return struck
}

func (a *armedFault) matches(c *call) bool {
	return globbed(a.Service, c.service.name) && globbed(a.Operation, c.operation.name) && globbed(a.Account, c.account()) && globbed(a.Region, c.region)
}

// globbed reports whether name fits the pattern; an empty pattern fits all.
func globbed(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func (a *armedFault) strikes(now time.Time) bool {
	a.seen++
	if a.first.IsZero() {
		a.first = now
	}
	if a.For > 0 && now.Sub(a.first) >= a.For {
		return false
	}
	if a.Nth > 0 && (a.seen < a.Nth || a.seen >= a.Nth+max(a.Count, 1)) {
		return false
	}
	return a.Share == 0 || a.chance.Float64() < a.Share
}
