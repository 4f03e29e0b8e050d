package awssim

import "time"

// RoleUse is what IAM knows of a role's use.
type RoleUse struct {
	LastUsedAt     time.Time // zero: never in the 400 days that IAM keeps track of
	LastUsedRegion string
	MaxSessionS    int          // 3600 when zero
	Services       []ServiceUse // that its policies allow, by namespace
}

// ServiceUse is a service that a role may use, and when it last did.
type ServiceUse struct {
	Namespace string // lambda
	Name      string // AWS Lambda
	LastAt    time.Time
	Region    string // of that last use
}

// OldVersion is a version of a managed policy that no longer holds.
type OldVersion struct {
	ID        string
	Document  string // JSON
	CreatedAt time.Time
}
