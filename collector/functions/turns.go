package functions

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// rotas say whose details are read in this run; what is not read is carried
// over from the inventory, or from what the last reading left as a note.
type rotas struct {
	concurrency          *collect.Rota // nil while GetFunction, with its own quota, reads it in every run
	recursion            *collect.Rota
	aliases, provisioned *collect.Rota // functions with published versions only
	versions             *collect.Rota // rows of function_versions
	history              *collect.Rota // rows of function_history
}

// historyPeriod is after how long an unchanged configuration is written again,
// so that it outlives the retention of old rows.
const historyPeriod = 365 * 24 * time.Hour

func (r rotas) each(do func(*collect.Rota)) {
	for _, o := range []*collect.Rota{r.concurrency, r.recursion, r.aliases, r.provisioned, r.versions, r.history} {
		if o != nil {
			do(o)
		}
	}
}

func (f *reader) loadRotas(ctx context.Context) error {
	list := map[string]**collect.Rota{
		"recursion": &f.rota.recursion, "aliases": &f.rota.aliases, "provisioned": &f.rota.provisioned, "versions": &f.rota.versions,
	}
	if !f.getFunction {
		list["concurrency"] = &f.rota.concurrency
	}
	for key, o := range list {
		var err error
		if *o, err = f.NewRota(ctx, key); err != nil {
			return err
		}
	}
	var err error
	f.rota.history, err = f.RotaOf(ctx, "history", historyPeriod)
	return err
}

// plan decides whose details are read. What is not known from before is read
// whosever turn it is.
func (f *reader) plan(listingWhole bool) {
	var all, versioned, every []collect.Item
	for _, fn := range f.listed {
		if fn.latest.FunctionARN == "" {
			continue
		}
		item := collect.FunctionItem(fn.latest)
		every = append(every, collect.Item{ID: item.ID})
		all = append(all, item)
		if len(fn.published) > 0 {
			item.Mark += " " + strings.Join(fn.versions(), " ")
			versioned = append(versioned, item)
		}
	}
	f.rota.recursion.Plan(all, listingWhole)
	f.rota.history.Plan(every, listingWhole)
	for _, o := range []*collect.Rota{f.rota.aliases, f.rota.provisioned, f.rota.versions} {
		o.Plan(versioned, listingWhole)
	}
	if f.rota.concurrency != nil {
		f.rota.concurrency.Plan(all, listingWhole)
	}
	for arn, fn := range f.listed {
		if f.known[arn].RecursiveLoop == "" {
			f.rota.recursion.Again(fn.latest.FunctionName)
		}
		if f.rota.concurrency != nil && !f.known[arn].ReservedRead {
			f.rota.concurrency.Again(fn.latest.FunctionName)
		}
	}
}

// versions lists the published versions, oldest first as text sorts them.
func (fn *function) versions() []string {
	list := make([]string, 0, len(fn.published))
	for version := range fn.published {
		list = append(list, version)
	}
	slices.Sort(list)
	return list
}

// turn is a detail that was read, with what is to be remembered of it.
type turn struct {
	rota *collect.Rota
	note string
}

func (fn *function) turn(o *collect.Rota, note string) {
	fn.done = append(fn.done, turn{o, note})
}

// uses is what refers to published versions.
type uses struct {
	by     []string // VERSION or alias, =, alias:NAME, weight:NAME or provisioned:QUALIFIER
	unread bool     // there may be more
}

// use notes that something refers to a version, or to the alias of one.
func (fn *function) use(found *[]string, version, by string) {
	*found = append(*found, version+"="+by)
	fn.recall(version + "=" + by)
}

// recall takes what a reading found, be it an earlier one.
func (fn *function) recall(note string) {
	for use := range strings.FieldsSeq(note) {
		version, _, _ := strings.Cut(use, "=")
		fn.inUse[version] = true // an alias's version is in use through the alias
		fn.uses.by = append(fn.uses.by, use)
	}
}

// usersOf is what refers to a version, directly or as an alias.
func (fn *function) usersOf(version string) []string {
	names := []string{version}
	for _, use := range fn.uses.by {
		if v, by, _ := strings.Cut(use, "="); v == version {
			if alias, ok := strings.CutPrefix(by, "alias:"); ok {
				names = append(names, alias)
			}
		}
	}
	users := []string{}
	for _, use := range fn.uses.by {
		if v, by, _ := strings.Cut(use, "="); slices.Contains(names, v) {
			users = append(users, by)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}
