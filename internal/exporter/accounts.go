package exporter

import (
	"cmp"
	"iter"
	"slices"

	"github.com/faaswarden/faaswarden/internal/engine"
)

// buildAccounts shows what is known of whole accounts and regions.
func buildAccounts(b *builder, s *engine.Snapshot) {
	for _, l := range s.Limits {
		b.gauge(functions, float64(l.Functions), l.Account, l.Region)
		if l.Concurrency > 0 {
			b.gauge(concurrencyLimit, float64(l.Concurrency), l.Account, l.Region)
		}
		if l.PeakRead {
			b.gauge(concurrencyPeak, l.Peak, l.Account, l.Region)
		}
		if ratio, ok := l.Headroom(); ok {
			b.gauge(concurrencyHeadroom, ratio, l.Account, l.Region)
		}
		if l.CodeLimitBytes > 0 {
			b.gauge(codeStorage, float64(l.CodeBytes), l.Account, l.Region)
			b.gauge(codeStorageLimit, float64(l.CodeLimitBytes), l.Account, l.Region)
		}
	}
	for _, c := range s.Costs {
		b.gauge(billed, c.USD, c.Account, c.Region, c.Service)
	}
	buildUnknown(b, s.Usage)
}

// buildUnknown counts the functions that usage and cost metrics leave out, also
// where there are none: zero is known here.
func buildUnknown(b *builder, list []engine.Usage) {
	unread, unpriced := map[place]int{}, map[place]int{}
	for _, u := range list {
		at := place{u.Account, u.Region}
		switch {
		case !u.Read:
			unread[at]++
		case !u.Priced:
			unpriced[at]++
		}
	}
	for _, at := range places(list) {
		b.gauge(functionsWithoutUsage, float64(unread[at]), at.account, at.region)
		b.gauge(functionsUnpriced, float64(unpriced[at]), at.account, at.region)
	}
}

func sortedPlaces(list iter.Seq[place]) []place {
	return slices.SortedFunc(list, func(x, y place) int {
		return cmp.Or(cmp.Compare(x.account, y.account), cmp.Compare(x.region, y.region))
	})
}
