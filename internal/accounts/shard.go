package accounts

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Shard is a daemon's part of the accounts: number I, from 1, of Of. The zero
// value holds every account.
type Shard struct{ I, Of int }

// ParseShard reads I/N.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	left, right, _ := strings.Cut(text, "/")
	i, errI := strconv.Atoi(left)
	n, errN := strconv.Atoi(right)
	if errI != nil || errN != nil || i < 1 || i > n || n > 1000 {
		return Shard{}, fmt.Errorf("shard %q is not I/N with 1 ≤ I ≤ N ≤ 1000, such as 2/5", text)
	}
	return Shard{I: i, Of: n}, nil
}

// Holds reports whether the shard is the one that reads an account: the same
// one for the same N, whatever other accounts there are.
func (s Shard) Holds(account string) bool {
	if s.Of <= 1 {
		return true
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(account))             // a hash never fails
	return int(h.Sum64()%uint64(s.Of)) == s.I-1 //nolint:gosec // Of is positive, the remainder is less
}

// String is I/N, or empty for all accounts.
func (s Shard) String() string {
	if s.Of <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.Of)
}
