-- Charges as their owner's exports tell them: FOCUS, and CUR 2.0 in FOCUS's columns.

-- One row a row of an imported file. An import is seen whole or not at all, in
-- focus_costs_current, once focus_imports has it.
CREATE TABLE focus_costs
(
    BillingAccountId                   LowCardinality(String),
    BillingAccountName                 LowCardinality(String),
    BillingAccountType                 LowCardinality(String) COMMENT 'FOCUS 1.2',
    SubAccountId                       LowCardinality(String) COMMENT 'empty: a charge of the billing account as a whole',
    SubAccountName                     LowCardinality(String),
    SubAccountType                     LowCardinality(String) COMMENT 'FOCUS 1.2',
    BillingPeriodStart                 DateTime('UTC'),
    BillingPeriodEnd                   DateTime('UTC'),
    ChargePeriodStart                  DateTime('UTC'),
    ChargePeriodEnd                    DateTime('UTC'),
    ChargeCategory                     LowCardinality(String) COMMENT 'Usage, Purchase, Tax, Credit or Adjustment',
    ChargeClass                        LowCardinality(String) COMMENT 'Correction, or empty',
    ChargeDescription                  String,
    ChargeFrequency                    LowCardinality(String),
    ProviderName                       LowCardinality(String),
    PublisherName                      LowCardinality(String),
    InvoiceIssuerName                  LowCardinality(String),
    InvoiceId                          LowCardinality(String) COMMENT 'FOCUS 1.2',
    ServiceCategory                    LowCardinality(String),
    ServiceSubcategory                 LowCardinality(String) COMMENT 'FOCUS 1.1',
    ServiceName                        LowCardinality(String),
    RegionId                           LowCardinality(String),
    RegionName                         LowCardinality(String),
    AvailabilityZone                   LowCardinality(String),
    ResourceId                         String COMMENT 'an ARN, where the service gives one',
    ResourceName                       String,
    ResourceType                       LowCardinality(String),
    SkuId                              String,
    SkuPriceId                         String,
    SkuMeter                           LowCardinality(String) COMMENT 'FOCUS 1.1',
    SkuPriceDetails                    Map(String, String) COMMENT 'FOCUS 1.1',
    BillingCurrency                    LowCardinality(String) COMMENT 'of the costs; never converted',
    BilledCost                         Decimal(38, 12),
    EffectiveCost                      Decimal(38, 12) COMMENT 'amortized',
    ListCost                           Nullable(Decimal(38, 12)),
    ContractedCost                     Nullable(Decimal(38, 12)),
    ListUnitPrice                      Nullable(Decimal(38, 12)),
    ContractedUnitPrice                Nullable(Decimal(38, 12)),
    PricingCategory                    LowCardinality(String),
    PricingQuantity                    Nullable(Decimal(38, 12)),
    PricingUnit                        LowCardinality(String),
    PricingCurrency                    LowCardinality(String) COMMENT 'FOCUS 1.2',
    PricingCurrencyEffectiveCost       Nullable(Decimal(38, 12)) COMMENT 'FOCUS 1.2',
    PricingCurrencyListUnitPrice       Nullable(Decimal(38, 12)) COMMENT 'FOCUS 1.2',
    PricingCurrencyContractedUnitPrice Nullable(Decimal(38, 12)) COMMENT 'FOCUS 1.2',
    ConsumedQuantity                   Nullable(Decimal(38, 12)),
    ConsumedUnit                       LowCardinality(String),
    CapacityReservationId              String COMMENT 'FOCUS 1.1',
    CapacityReservationStatus          LowCardinality(String) COMMENT 'FOCUS 1.1',
    CommitmentDiscountCategory         LowCardinality(String),
    CommitmentDiscountId               LowCardinality(String),
    CommitmentDiscountName             LowCardinality(String),
    CommitmentDiscountStatus           LowCardinality(String),
    CommitmentDiscountType             LowCardinality(String),
    CommitmentDiscountQuantity         Nullable(Decimal(38, 12)) COMMENT 'FOCUS 1.1',
    CommitmentDiscountUnit             LowCardinality(String) COMMENT 'FOCUS 1.1',
    Tags                               Map(String, String),
    x_ServiceCode                      LowCardinality(String) COMMENT 'AWS\'s own: AWSLambda',
    x_UsageType                        LowCardinality(String),
    x_Operation                        LowCardinality(String),
    x_LineItemType                     LowCardinality(String) COMMENT 'CUR 2.0: what AWS calls the line',
    x_ExportName                       LowCardinality(String) COMMENT 'what supersedes what: a billing period of an account has one current import an export',
    x_SchemaVersion                    LowCardinality(String) COMMENT 'FOCUS 1.0, FOCUS 1.1, FOCUS 1.2 or CUR 2.0',
    x_ImportID                         LowCardinality(String) COMMENT 'rows of an import that focus_imports does not have are of one that did not end',
    x_File                             LowCardinality(String),
    x_Row                              UInt64 COMMENT 'row of the file, from 1, its header not counted',
    x_ImportedAt                       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(x_ImportedAt)
PARTITION BY toYYYYMM(BillingPeriodStart)
ORDER BY (BillingAccountId, ServiceName, SubAccountId, RegionId, ChargePeriodStart, x_ImportID, x_File, x_Row);

-- One row a file, account, billing period and currency of an import that ended.
CREATE TABLE focus_imports
(
    export_name          LowCardinality(String),
    billing_account_id   LowCardinality(String),
    billing_period_start DateTime('UTC'),
    billing_period_end   DateTime('UTC'),
    billing_currency     LowCardinality(String),
    import_id            String,
    file_name            String,
    schema_version       LowCardinality(String) COMMENT 'FOCUS 1.0, FOCUS 1.1, FOCUS 1.2 or CUR 2.0',
    rows                 UInt64 COMMENT 'of this account, period and currency in the file',
    bytes                UInt64 COMMENT 'of the whole file',
    sha256               String COMMENT 'of the whole file',
    billed_cost          Decimal(38, 12),
    effective_cost       Decimal(38, 12),
    imported_at          DateTime64(3, 'UTC') COMMENT 'start of the import, and its version: the newest one is current'
)
ENGINE = ReplacingMergeTree(imported_at)
PARTITION BY toYear(billing_period_start)
ORDER BY (export_name, billing_account_id, billing_period_start, billing_currency, import_id, file_name);

-- Which import is current for a billing period of an account in an export.
CREATE VIEW focus_imports_current AS
SELECT
    export_name,
    billing_account_id,
    billing_period_start,
    argMax(import_id, i.imported_at) AS import_id,
    max(i.imported_at) AS imported_at
FROM focus_imports AS i
GROUP BY export_name, billing_account_id, billing_period_start;

CREATE VIEW focus_costs_current AS
SELECT t.*
FROM focus_costs AS t FINAL
INNER JOIN focus_imports_current AS i
    ON t.x_ImportID = i.import_id AND t.x_ExportName = i.export_name
    AND t.BillingAccountId = i.billing_account_id AND t.BillingPeriodStart = i.billing_period_start;
