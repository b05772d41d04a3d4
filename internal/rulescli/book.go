package rulescli

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
)

// readBook reads a book from JSON as a stream. The error names the JSON path,
// as in customers[17].growth_outlook_pct.
func readBook(r io.Reader) (rules.Book, error) {
	var b rules.Book
	nobody := json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *rules.Customer) error {
		if dec.PeekKind() == 'n' {
			return errors.New("null is no customer")
		}
		return errors.ErrUnsupported // the library reads it
	})
	if err := strictjson.Read(r, &b, json.WithUnmarshalers(nobody)); err != nil {
		return rules.Book{}, err
	}
	seen := make(map[string]bool, len(b.Customers))
	for i, c := range b.Customers {
		if c.CustomerNo != "" && seen[c.CustomerNo] {
			return rules.Book{}, kam.Errorf(kam.Invalid, "%q stands there twice", kam.Clip(c.CustomerNo, 60)).On(fmt.Sprintf("customers[%d].customer_no", i))
		}
		seen[c.CustomerNo] = true
	}
	return b, nil
}
