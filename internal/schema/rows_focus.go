package schema

import (
	"time"

	"github.com/shopspring/decimal"
)

// FocusCost is a charge of an imported FOCUS or CUR 2.0 export.
type FocusCost struct {
	BillingAccountID                   string            `ch:"BillingAccountId"`
	BillingAccountName                 string            `ch:"BillingAccountName"`
	BillingAccountType                 string            `ch:"BillingAccountType"`
	SubAccountID                       string            `ch:"SubAccountId"`
	SubAccountName                     string            `ch:"SubAccountName"`
	SubAccountType                     string            `ch:"SubAccountType"`
	BillingPeriodStart                 time.Time         `ch:"BillingPeriodStart"`
	BillingPeriodEnd                   time.Time         `ch:"BillingPeriodEnd"`
	ChargePeriodStart                  time.Time         `ch:"ChargePeriodStart"`
	ChargePeriodEnd                    time.Time         `ch:"ChargePeriodEnd"`
	ChargeCategory                     string            `ch:"ChargeCategory"`
	ChargeClass                        string            `ch:"ChargeClass"`
	ChargeDescription                  string            `ch:"ChargeDescription"`
	ChargeFrequency                    string            `ch:"ChargeFrequency"`
	ProviderName                       string            `ch:"ProviderName"`
	PublisherName                      string            `ch:"PublisherName"`
	InvoiceIssuerName                  string            `ch:"InvoiceIssuerName"`
	InvoiceID                          string            `ch:"InvoiceId"`
	ServiceCategory                    string            `ch:"ServiceCategory"`
	ServiceSubcategory                 string            `ch:"ServiceSubcategory"`
	ServiceName                        string            `ch:"ServiceName"`
	RegionID                           string            `ch:"RegionId"`
	RegionName                         string            `ch:"RegionName"`
	AvailabilityZone                   string            `ch:"AvailabilityZone"`
	ResourceID                         string            `ch:"ResourceId"`
	ResourceName                       string            `ch:"ResourceName"`
	ResourceType                       string            `ch:"ResourceType"`
	SKUID                              string            `ch:"SkuId"`
	SKUPriceID                         string            `ch:"SkuPriceId"`
	SKUMeter                           string            `ch:"SkuMeter"`
	SKUPriceDetails                    map[string]string `ch:"SkuPriceDetails"`
	BillingCurrency                    string            `ch:"BillingCurrency"`
	BilledCost                         decimal.Decimal   `ch:"BilledCost"`
	EffectiveCost                      decimal.Decimal   `ch:"EffectiveCost"`
	ListCost                           *decimal.Decimal  `ch:"ListCost"`
	ContractedCost                     *decimal.Decimal  `ch:"ContractedCost"`
	ListUnitPrice                      *decimal.Decimal  `ch:"ListUnitPrice"`
	ContractedUnitPrice                *decimal.Decimal  `ch:"ContractedUnitPrice"`
	PricingCategory                    string            `ch:"PricingCategory"`
	PricingQuantity                    *decimal.Decimal  `ch:"PricingQuantity"`
	PricingUnit                        string            `ch:"PricingUnit"`
	PricingCurrency                    string            `ch:"PricingCurrency"`
	PricingCurrencyEffectiveCost       *decimal.Decimal  `ch:"PricingCurrencyEffectiveCost"`
	PricingCurrencyListUnitPrice       *decimal.Decimal  `ch:"PricingCurrencyListUnitPrice"`
	PricingCurrencyContractedUnitPrice *decimal.Decimal  `ch:"PricingCurrencyContractedUnitPrice"`
	ConsumedQuantity                   *decimal.Decimal  `ch:"ConsumedQuantity"`
	ConsumedUnit                       string            `ch:"ConsumedUnit"`
	CapacityReservationID              string            `ch:"CapacityReservationId"`
	CapacityReservationStatus          string            `ch:"CapacityReservationStatus"`
	CommitmentDiscountCategory         string            `ch:"CommitmentDiscountCategory"`
	CommitmentDiscountID               string            `ch:"CommitmentDiscountId"`
	CommitmentDiscountName             string            `ch:"CommitmentDiscountName"`
	CommitmentDiscountStatus           string            `ch:"CommitmentDiscountStatus"`
	CommitmentDiscountType             string            `ch:"CommitmentDiscountType"`
	CommitmentDiscountQuantity         *decimal.Decimal  `ch:"CommitmentDiscountQuantity"`
	CommitmentDiscountUnit             string            `ch:"CommitmentDiscountUnit"`
	Tags                               map[string]string `ch:"Tags"`
	ServiceCode                        string            `ch:"x_ServiceCode"`
	UsageType                          string            `ch:"x_UsageType"`
	Operation                          string            `ch:"x_Operation"`
	LineItemType                       string            `ch:"x_LineItemType"`
	ExportName                         string            `ch:"x_ExportName"`
	SchemaVersion                      string            `ch:"x_SchemaVersion"`
	ImportID                           string            `ch:"x_ImportID"`
	File                               string            `ch:"x_File"`
	Row                                uint64            `ch:"x_Row"`
	ImportedAt                         time.Time         `ch:"x_ImportedAt"`
}

// Table names the table FocusCost rows are written to.
func (FocusCost) Table() string { return "focus_costs" }

// FocusImport is what an import that ended holds of one account's billing period
// in one file.
type FocusImport struct {
	ExportName         string          `ch:"export_name"`
	BillingAccountID   string          `ch:"billing_account_id"`
	BillingPeriodStart time.Time       `ch:"billing_period_start"`
	BillingPeriodEnd   time.Time       `ch:"billing_period_end"`
	BillingCurrency    string          `ch:"billing_currency"`
	ImportID           string          `ch:"import_id"`
	File               string          `ch:"file_name"`
	SchemaVersion      string          `ch:"schema_version"`
	Rows               uint64          `ch:"rows"`
	Bytes              uint64          `ch:"bytes"`
	SHA256             string          `ch:"sha256"`
	BilledCost         decimal.Decimal `ch:"billed_cost"`
	EffectiveCost      decimal.Decimal `ch:"effective_cost"`
	ImportedAt         time.Time       `ch:"imported_at"`
}

// Table names the table FocusImport rows are written to.
func (FocusImport) Table() string { return "focus_imports" }
