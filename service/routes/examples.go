package routes

import (
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

// What the document shows as examples.
const exampleID = "0193f0d2-7a51-7c44-9d39-5d1a2f0c9be1"

var (
	exampleMoney = kam.NewMoney(14_000_000, "EUR")

	exampleRequest = service.Request{
		Key: "visit-2026-11-30/klinik-nord", Type: kam.NewCase,
		Data: customer.RequestData{ScreeningData: customer.ScreeningData{
			LegalName: "Klinik Nord GmbH", CountryCode: "DE", City: "Kiel", PostalCode: "24103", SourceChannel: "VISIT", DeclaredPotential: &exampleMoney,
		}},
	}

	exampleAct = ActDocument{Act: onboarding.Act{
		DecisionID: exampleID, Name: onboarding.ActDecideConfirmation, Verdict: onboarding.Confirm,
		ExpectHash: "sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730", Reason: "Known house, good fit.",
	}}

	exampleOrder = Ordered{DecisionID: exampleID, Reason: "As agreed with the north."}
)
