package rules

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
)

func TestBookFindings(t *testing.T) {
	t.Parallel()
	p := defaultPolicy(t)
	d := customer.RequestData{}
	d.LegalName, d.CountryCode, d.StrategicFit = "Werk", "DE", "VERY"
	d.DeclaredPotential = &kam.Money{Minor: 100, Currency: "USD"}
	var errs, warns []book.BatchFinding
	for _, f := range p.BookFindings(d) {
		require.NotEmpty(t, f.Remedy)
		if f.Severity == kam.SeverityError {
			errs = append(errs, f)
		} else {
			warns = append(warns, f)
		}
	}
	require.Len(t, errs, 2)
	require.Equal(t, "strategic_fit", errs[0].Column)
	require.Equal(t, "declared_potential", errs[1].Column)
	require.Len(t, warns, 1, "what a book of old does not know is one warning")
	require.Equal(t, kam.SeverityWarning, warns[0].Severity)
	require.Contains(t, warns[0].Message, "city")
	require.NotContains(t, warns[0].Message, "justification")

	d = customer.RequestData{}
	d.LegalName, d.CountryCode, d.Contacts = "Werk", "DE", []customer.Contact{{Name: "Anna Probe", DecisionRole: "BUYER", Email: "anna probe"}}
	mail := p.BookFindings(d)[0]
	require.Equal(t, "contacts[0].email", mail.Column)
	require.NotContains(t, mail.Message, "anna", "personal data stay out of findings")

	nobody := p.BookFindings(customer.RequestData{})
	require.Equal(t, "legal_name", nobody[0].Column)
	require.Equal(t, "country_code", nobody[1].Column)
	require.Equal(t, kam.SeverityError, nobody[0].Severity)
}
