package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// refused is a server's refusal of the store's user, with what to do about it.
type refused struct {
	error
	remedy string
}

func (r *refused) Error() string { return r.error.Error() + "; remedy: " + r.remedy }

func (r *refused) Unwrap() error { return r.error }

const (
	writerGrants   = "deploy/clickhouse/users.d has all that faaswarden's writer needs"
	withoutDDL     = "where it may make no tables, let an administrator run what `faaswarden store ddl` prints"
	checkCredits   = "check the user and the password of the address, whose special characters are percent-encoded, and the networks the user may come from"
	writableRemedy = "give the address of a user that may write, or serve an embedded store with `faaswarden store serve --writable`"
)

var grantPattern = regexp.MustCompile(`necessary to have (?:the grant|grants?) (.+?)\.? \(ACCESS_DENIED\)`)

// explainAccess adds the remedy to a refusal, and leaves any other error as it is.
func explainAccess(err error) error {
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	if !ok {
		return err
	}
	if _, done := errors.AsType[*refused](err); done {
		return err
	}
	switch exception.Code {
	case 497, 291: // ACCESS_DENIED, DATABASE_ACCESS_DENIED
		return &refused{err, deniedRemedy(exception.Message)}
	case 164: // READONLY
		return &refused{err, writableRemedy}
	case 516, 192, 193, 194, 195: // AUTHENTICATION_FAILED, UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, IP_ADDRESS_NOT_ALLOWED
		return &refused{err, checkCredits}
	case 201: // QUOTA_EXCEEDED
		return &refused{err, "raise the user's quota, or wait until its interval has passed"}
	}
	return err
}

// deniedRemedy is the grant that a refusal asks for.
func deniedRemedy(message string) string {
	m := grantPattern.FindStringSubmatch(message)
	if m == nil {
		return writerGrants
	}
	remedy := fmt.Sprintf("GRANT %s to the address's user; %s", m[1], writerGrants)
	if strings.HasPrefix(m[1], "CREATE") || strings.HasPrefix(m[1], "ALTER") {
		remedy += "; " + withoutDDL
	}
	return remedy
}
