package focus

import "strings"

// curLayout is a Cost and Usage Report 2.0 of AWS Data Exports, whose columns
// are chosen by who set it up.
func curLayout() layout {
	must := func(name string, k kind) input { return input{name: name, kind: k, required: true, filled: true} }
	asked := func(name string, k kind) input { return input{name: name, kind: k, required: true} }
	may := func(k kind, names ...string) []input {
		var list []input
		for _, name := range names {
			list = append(list, input{name: name, kind: k})
		}
		return list
	}
	l := layout{name: "CUR 2.0", inputs: []input{
		must("bill_payer_account_id", text),
		must("bill_billing_period_start_date", instant), must("bill_billing_period_end_date", instant),
		asked("line_item_usage_account_id", text),
		must("line_item_usage_start_date", instant), must("line_item_usage_end_date", instant),
		must("line_item_line_item_type", text), must("line_item_product_code", text),
		must("line_item_unblended_cost", money), must("line_item_currency_code", text),
		asked("line_item_usage_type", text), asked("line_item_usage_amount", money), asked("line_item_resource_id", text),
		asked("product_region_code", text), asked("product_sku", text), asked("pricing_unit", text), asked("resource_tags", object),
	}}
	l.inputs = append(l.inputs, may(text,
		"bill_payer_account_name", "bill_invoice_id", "bill_invoicing_entity", "line_item_usage_account_name", "line_item_availability_zone",
		"line_item_legal_entity", "line_item_line_item_description", "line_item_operation", "pricing_rate_code", "product_product_family",
		"reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n")...)
	l.inputs = append(l.inputs, may(money,
		"pricing_public_on_demand_cost", "pricing_public_on_demand_rate", "line_item_unblended_rate", "reservation_effective_cost",
		"reservation_unused_amortized_upfront_fee_for_billing_period", "reservation_unused_recurring_fee", "savings_plan_savings_plan_effective_cost",
		"savings_plan_total_commitment_to_date", "savings_plan_used_commitment")...)
	l.inputs = append(l.inputs, may(object, "product")...)
	l.outputs = curOutputs
	l.checks = curChecks
	return l
}

// curAmortized is what EffectiveCost is made of, by line item type.
var curAmortized = []struct {
	lineType string
	expr     string
	needs    []string
}{
	{"SavingsPlanCoveredUsage", "v_savings_plan_savings_plan_effective_cost", []string{"savings_plan_savings_plan_effective_cost"}},
	{"SavingsPlanRecurringFee", "v_savings_plan_total_commitment_to_date - v_savings_plan_used_commitment", []string{"savings_plan_total_commitment_to_date", "savings_plan_used_commitment"}},
	{"DiscountedUsage", "v_reservation_effective_cost", []string{"reservation_effective_cost"}},
	{"RIFee", "v_reservation_unused_amortized_upfront_fee_for_billing_period + v_reservation_unused_recurring_fee", []string{"reservation_unused_amortized_upfront_fee_for_billing_period", "reservation_unused_recurring_fee"}},
	{"SavingsPlanNegation", "0", nil},
	{"SavingsPlanUpfrontFee", "0", nil},
}

// curChecks hold that nobody's commitments are taken for free: a line whose
// amortized cost is told elsewhere needs the column that tells it, and its value.
var curChecks = func() []check {
	list := []check{
		{column: "line_item_usage_end_date", bad: "v_line_item_usage_end_date < v_line_item_usage_start_date", says: "lies before line_item_usage_start_date"},
		{column: "bill_billing_period_end_date", bad: "v_bill_billing_period_end_date <= v_bill_billing_period_start_date", says: "is not after bill_billing_period_start_date"},
	}
	for _, a := range curAmortized {
		for _, column := range a.needs {
			list = append(list, check{
				column: column, bad: "t_line_item_line_item_type = '" + a.lineType + "' AND t_" + column + " = ''", needs: []string{column},
				says: "is empty in a line of type " + a.lineType + ", whose amortized cost it tells",
			})
		}
	}
	return list
}()

func curOutputs(have func(string) bool) map[string]string {
	from := func(name string, k kind) string {
		if !have(name) {
			return k.absent()
		}
		return input{name: name, kind: k}.value()
	}
	out := map[string]string{}
	for _, in := range columns() {
		out[in.name] = in.kind.absent()
	}
	for column, name := range map[string]string{
		"BillingAccountId": "bill_payer_account_id", "BillingAccountName": "bill_payer_account_name",
		"SubAccountId": "line_item_usage_account_id", "SubAccountName": "line_item_usage_account_name",
		"ChargeDescription": "line_item_line_item_description", "PublisherName": "line_item_legal_entity", "InvoiceIssuerName": "bill_invoicing_entity",
		"InvoiceId": "bill_invoice_id", "RegionId": "product_region_code", "AvailabilityZone": "line_item_availability_zone",
		"ResourceId": "line_item_resource_id", "SkuId": "product_sku", "SkuPriceId": "pricing_rate_code", "BillingCurrency": "line_item_currency_code",
		"PricingUnit": "pricing_unit", "ConsumedUnit": "pricing_unit", "x_ServiceCode": "line_item_product_code",
		"x_UsageType": "line_item_usage_type", "x_Operation": "line_item_operation", "x_LineItemType": "line_item_line_item_type",
	} {
		out[column] = from(name, text)
	}
	for column, name := range map[string]string{
		"ListCost": "pricing_public_on_demand_cost", "ListUnitPrice": "pricing_public_on_demand_rate",
		"ContractedUnitPrice": "line_item_unblended_rate", "PricingQuantity": "line_item_usage_amount", "ConsumedQuantity": "line_item_usage_amount",
	} {
		out[column] = from(name, money)
	}
	for column, name := range map[string]string{
		"BillingPeriodStart": "bill_billing_period_start_date", "BillingPeriodEnd": "bill_billing_period_end_date",
		"ChargePeriodStart": "line_item_usage_start_date", "ChargePeriodEnd": "line_item_usage_end_date", "BilledCost": "line_item_unblended_cost",
	} {
		out[column] = "assumeNotNull(v_" + name + ")"
	}
	out["Tags"] = from("resource_tags", object)
	out["ProviderName"] = "'AWS'"
	out["ServiceName"] = "t_line_item_product_code"
	if have("product") {
		out["ServiceName"] = "if(v_product['product_name'] = '', t_line_item_product_code, v_product['product_name'])"
	}
	out["ChargeCategory"] = curCategory
	out["CommitmentDiscountId"] = "if(" + from("savings_plan_savings_plan_a_r_n", text) + " != '', " + from("savings_plan_savings_plan_a_r_n", text) + ", " + from("reservation_reservation_a_r_n", text) + ")"
	out["EffectiveCost"] = curEffective(have)
	return out
}

// curCategory leaves to Adjustment what is neither use, nor purchase, tax or
// credit, as FOCUS does. Negations belong to the use that a Savings Plan covers.
const curCategory = `multiIf(
        t_line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation'), 'Usage',
        t_line_item_line_item_type IN ('Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee'), 'Purchase',
        t_line_item_line_item_type = 'Tax', 'Tax',
        t_line_item_line_item_type = 'Credit', 'Credit',
        'Adjustment')`

// curEffective is AWS's amortized cost of a line. A line of a type whose columns
// the file lacks is refused by checksOf, not priced.
func curEffective(have func(string) bool) string {
	var b strings.Builder
	b.WriteString("assumeNotNull(multiIf(")
	for _, a := range curAmortized {
		expr := a.expr
		for _, column := range a.needs {
			if !have(column) {
				expr = "0"
			}
		}
		b.WriteString("t_line_item_line_item_type = '" + a.lineType + "', toDecimal128(" + expr + ", 12), ")
	}
	if have("reservation_reservation_a_r_n") { // the upfront part of a reservation, spread over what it covers
		b.WriteString("t_line_item_line_item_type = 'Fee' AND t_reservation_reservation_a_r_n != '', toDecimal128(0, 12), ")
	}
	b.WriteString("v_line_item_unblended_cost))")
	return b.String()
}
