package awssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// paging says how a service calls its page size and token, and how large its
// pages are.
type paging struct {
	token, limit string // parameters
	size         int    // of a page at most
}

// pageToken is what a token holds: where to go on, and of which request.
type pageToken struct {
	Offset  int    `json:"o"`
	Request uint64 `json:"r"`
}

// page cuts the asked page out of the whole list. next is the token of the page
// after it, nil when there is none.
func page[T any](c *call, p paging, list []T) (items []T, next any, err error) {
	start, err := c.offset(p)
	if err != nil {
		return nil, nil, err
	}
	if start > len(list) {
		return nil, nil, c.badToken()
	}
	size := p.size
	if n := c.integer(p.limit, size); n > 0 && n < size {
		size = n
	}
	end := min(start+size, len(list))
	if c.repeatToken {
		return list[start:end], c.tokenFor(p, start), nil
	}
	if end < len(list) {
		next = c.tokenFor(p, end)
	}
	return list[start:end], next, nil
}

// offset is where the request's token says to go on.
func (c *call) offset(p paging) (int, error) {
	token := c.str(p.token)
	if token == "" {
		return 0, nil
	}
	if c.oldToken {
		return 0, c.badToken()
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return 0, c.badToken()
	}
	var t pageToken
	if err := json.Unmarshal(raw, &t); err != nil || t.Request != c.fingerprint(p) || t.Offset < 0 {
		return 0, c.badToken()
	}
	return t.Offset, nil
}

func (c *call) badToken() error {
	return c.fail(failBadToken, "The token is invalid.")
}

func (c *call) tokenFor(p paging, offset int) string {
	raw, err := json.Marshal(pageToken{Offset: offset, Request: c.fingerprint(p)})
	if err != nil {
		panic("page token: " + err.Error()) // two numbers cannot fail
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// fingerprint tells requests apart that differ in more than token and page size.
func (c *call) fingerprint(p paging) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, c.service.name, c.operation.name, c.region)
	for _, name := range slices.Sorted(maps.Keys(c.params)) {
		if name != p.token && name != p.limit {
			fmt.Fprint(h, "|", name, "=", c.params[name])
		}
	}
	return h.Sum64()
}
