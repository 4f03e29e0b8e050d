package awssim

import (
	"slices"
	"time"
)

// Governance is what stands above an account and at its door.
type Governance struct {
	Organization *Organization // of a management account; nil for members and for accounts that stand alone
	ExternalID   string        // without which none of the account's roles can be assumed; empty: none is asked for
}

// An Organization is a company's accounts as AWS Organizations knows them. Its
// slices are in the order in which the service lists them.
type Organization struct {
	ID         string // o-…
	Management string // account
	Delegated  []string
	RootID     string   // r-…
	Enabled    []string // policy types enabled at the root
	Units      []*Unit
	Accounts   []*OrganizationAccount
	Policies   []*OrganizationPolicy
}

// A Unit is an organizational unit.
type Unit struct {
	ID     string // ou-…
	Name   string
	Parent string // of the root or another unit
}

// An OrganizationAccount is an account of an organisation.
type OrganizationAccount struct {
	ID           string
	Name         string
	Email        string // of its root user
	Status       string // ACTIVE, SUSPENDED or PENDING_CLOSURE
	JoinedMethod string // CREATED or INVITED
	JoinedAt     time.Time
	Parent       string // id of the root or a unit
	Tags         map[string]string
}

// An OrganizationPolicy is a service control or tag policy and what it is
// attached to.
type OrganizationPolicy struct {
	ID          string
	Name        string
	Description string
	Type        string // SERVICE_CONTROL_POLICY or TAG_POLICY
	AWSManaged  bool
	Content     string   // JSON
	Targets     []string // ids of the root, units and accounts
}

// Account returns the account with that id, or nil.
func (o *Organization) Account(id string) *OrganizationAccount {
	i := slices.IndexFunc(o.Accounts, func(a *OrganizationAccount) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return o.Accounts[i]
}

// Unit returns the unit with that id, or nil.
func (o *Organization) Unit(id string) *Unit {
	i := slices.IndexFunc(o.Units, func(u *Unit) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return o.Units[i]
}

// Policy returns the policy with that id, or nil.
func (o *Organization) Policy(id string) *OrganizationPolicy {
	i := slices.IndexFunc(o.Policies, func(p *OrganizationPolicy) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return o.Policies[i]
}
