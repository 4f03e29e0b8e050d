package functions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// putVersions writes the published versions of a function whose turn it is, or
// to which something else refers than before.
func (f *reader) putVersions(ctx context.Context, fn *function) error {
	if len(fn.published) == 0 {
		return nil
	}
	by := slices.Clone(fn.uses.by)
	slices.Sort(by)
	note := digest(strings.Join(by, " "), fn.uses.unread)
	name := fn.latest.FunctionName
	if !f.rota.versions.Due(name) && f.rota.versions.Note(name) == note {
		return nil
	}
	var rows []schema.FunctionVersion
	for _, v := range fn.published {
		number, err := strconv.ParseUint(v.Version, 10, 64)
		if err != nil {
			continue // no number is no published version
		}
		rows = append(rows, schema.FunctionVersion{
			Account: v.Account, Region: v.Region, FunctionARN: v.FunctionARN, Version: number, Runtime: v.Runtime, Architecture: v.Architecture,
			MemoryMB: v.MemoryMB, CodeBytes: v.CodeBytes, CodeSHA256: v.CodeSHA256, SnapstartApplyOn: v.SnapstartApplyOn,
			SnapstartOptimization: fn.optimization[v.Version], Layers: v.Layers, LastModified: v.LastModified,
			UsedBy: fn.usersOf(v.Version), UseRead: !fn.uses.unread, CollectedAt: f.Now,
		})
	}
	fn.turn(f.rota.versions, note)
	return collect.Put(ctx, f.Run, rows...)
}

// remembered is what is known of the history of a function: what was written
// last, how often it had changed until then, and when that was seen and written.
type remembered struct {
	configurations string // digest of all
	changes        uint32
	seen, written  time.Time // in milliseconds, as rows keep it
}

func (r remembered) note() string {
	return fmt.Sprintf("%s %d %d %d", r.configurations, r.changes, r.seen.UnixMilli(), r.written.UnixMilli())
}

// recollect reads a note; one that cannot be read is no memory.
func recollect(note string) (r remembered, known bool) {
	var seen, written int64
	if _, err := fmt.Sscanf(note, "%s %d %d %d", &r.configurations, &r.changes, &seen, &written); err != nil {
		return remembered{}, false
	}
	r.seen, r.written = time.UnixMilli(seen).UTC(), time.UnixMilli(written).UTC()
	return r, true
}

// putHistory writes the configurations of $LATEST and of the versions in use
// when one of them is not as it was, and after a year. A run that is killed
// before it is remembered writes the same rows again.
func (f *reader) putHistory(ctx context.Context, fn *function) error {
	latest := fn.latest
	if known := f.known[latest.FunctionARN]; !latest.ReservedRead {
		latest.ReservedConcurrency, latest.ReservedRead = known.ReservedConcurrency, known.ReservedRead
	}
	last, known := recollect(f.rota.history.Note(latest.FunctionName))
	rows := []schema.FunctionConfig{f.configuration(latest)}
	for _, version := range fn.versions() {
		if fn.inUse[version] {
			row := fn.published[version]
			row.ReservedConcurrency, row.ReservedRead = nil, false // the function's, not the version's
			rows = append(rows, f.configuration(row))
		}
	}
	var all []string
	for _, row := range rows {
		all = append(all, row.Version, row.LastModified.String(), row.ConfigHash)
	}
	next := remembered{configurations: digest(all), changes: last.changes, seen: f.Now, written: f.Now}
	same := known && last.configurations == next.configurations
	if same && f.Now.Sub(last.written) < historyPeriod {
		return nil
	}
	switch {
	case same:
		next.seen = last.seen
	case known:
		next.changes++
	}
	for i := range rows {
		rows[i].Changes, rows[i].FirstSeen = next.changes, next.seen
	}
	fn.turn(f.rota.history, next.note())
	return collect.Put(ctx, f.Run, rows...)
}

func (f *reader) configuration(fn schema.Function) schema.FunctionConfig {
	c := schema.FunctionConfig{
		Account: fn.Account, Region: fn.Region, FunctionARN: fn.FunctionARN, Version: fn.Version, LastModified: fn.LastModified, RevisionID: fn.RevisionID,
		MemoryMB: fn.MemoryMB, TimeoutS: fn.TimeoutS, Architecture: fn.Architecture, Runtime: fn.Runtime, EphemeralMB: fn.EphemeralMB, CodeSHA256: fn.CodeSHA256,
		Layers: fn.Layers, VPCID: fn.VPCID, SubnetIDs: sorted(fn.SubnetIDs), SecurityGroupIDs: sorted(fn.SecurityGroupIDs),
		ReservedConcurrency: fn.ReservedConcurrency, ReservedRead: fn.ReservedRead, RoleARN: fn.RoleARN, SnapstartApplyOn: fn.SnapstartApplyOn, CollectedAt: f.Now,
	}
	if len(fn.EnvNames) > 0 {
		c.EnvNamesHash = digest(fn.EnvNames)
	}
	reserved := "unread"
	switch {
	case c.ReservedRead && c.ReservedConcurrency == nil:
		reserved = "none"
	case c.ReservedRead:
		reserved = strconv.FormatInt(*c.ReservedConcurrency, 10)
	}
	c.ConfigHash = digest(c.MemoryMB, c.TimeoutS, c.Architecture, c.Runtime, c.EphemeralMB, c.CodeSHA256, c.EnvNamesHash, c.Layers,
		c.VPCID, c.SubnetIDs, c.SecurityGroupIDs, reserved, c.RoleARN, c.SnapstartApplyOn)
	return c
}

// sorted is a set of ids, which Lambda lists in no order of its own.
func sorted(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// digest tells values apart, in sixteen characters.
func digest(values ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", values))
	return hex.EncodeToString(sum[:8])
}

// bury writes tombstones of the functions known before that a complete listing
// did not hold.
func (f *reader) bury(ctx context.Context) error {
	for arn := range f.known {
		if f.listed[arn] != nil {
			continue
		}
		if err := f.buryOne(ctx, arn); err != nil {
			return err
		}
	}
	return nil
}

func (f *reader) buryOne(ctx context.Context, arn string) error {
	known, ok := f.known[arn]
	if !ok {
		return nil // it came and went unseen
	}
	return collect.Put(ctx, f.Run, schema.FunctionTombstone{
		Account: f.Account, Region: f.Region, FunctionARN: arn, FunctionName: known.FunctionName,
		MemoryMB: known.MemoryMB, Architecture: known.Architecture, Runtime: known.Runtime, PackageType: known.PackageType,
		LastModified: known.LastModified, LastSeenAt: known.CollectedAt, DeletedAt: f.Now, CollectedAt: f.Now,
	})
}
