package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/kamflow/kamflow/internal/strictjson"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
)

// readBookJSON reads a list of customers, or one a line.
func readBookJSON(raw []byte, o ReadOptions) ([]service.BookCustomer, error) {
	most := kam.MaxBatchRows
	if o.MaxRows > 0 {
		most = min(most, o.MaxRows)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	isList := bytes.TrimSpace(raw)[0] == '['
	if isList {
		if _, err := dec.Token(); err != nil {
			return nil, refuse(Problem{Message: "is not JSON"})
		}
	}
	var all []service.BookCustomer
	for dec.More() {
		var one json.RawMessage
		at := int(dec.InputOffset())
		if err := dec.Decode(&one); err != nil {
			return nil, refuse(Problem{Row: len(all) + 1, Line: lineAt(raw, at)}.saying(kam.Say("is not JSON: %s", kam.Clip(err.Error(), 200)), kam.Sentence{}))
		}
		if len(one) > kam.MaxBatchRowSize {
			return nil, refuse(Problem{Row: len(all) + 1}.saying(kam.Say("is larger than %d bytes", kam.MaxBatchRowSize), kam.Sentence{}))
		}
		if key := kam.DoubleKey(one); key != "" {
			return nil, refuse(Problem{Row: len(all) + 1, Line: lineAt(raw, at), Column: kam.Clip(key, 60), Message: "the key stands there twice", Remedy: "keep one of them"})
		}
		var c service.BookCustomer
		if err := kam.StrictUnmarshal(one, &c); err != nil {
			p, what, remedy := Problem{Row: len(all) + 1, Line: lineAt(raw, at)}, kam.Word(kam.Clip(err.Error(), 200)), kam.Say("write it as admin load-customers takes it")
			if e := kam.AsError(strictjson.Unmarshal(one, &c)); e != nil {
				p.Column, what = kam.Clip(e.Field, 60), e.Message()
				if e.Remedy != "" {
					remedy = e.HowTo()
				}
			}
			return nil, refuse(p.saying(what, remedy))
		}
		if all = append(all, c); len(all) > most {
			return nil, refuse(Problem{}.saying(kam.Say("has more than %d rows", most), kam.Say("split it")))
		}
	}
	if isList {
		if _, err := dec.Token(); err != nil {
			return nil, refuse(Problem{Message: "the list is not closed: it may be cut off"})
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(Problem{Message: "something follows the last customer"})
	}
	if len(all) == 0 {
		return nil, refuse(Problem{Message: "has no customers"})
	}
	return all, nil
}

func (b *Book) fromJSON(i int, r *service.BatchRow) kam.RequestData {
	c := b.json[i]
	r.OwnerID, r.Status, r.KAStatus, r.Tier, r.Coverage, r.ReviewDue = c.OwnerID, c.Status, c.KAStatus, c.Tier, c.Coverage, c.ReviewDue
	d := c.Data
	Countries(&d)
	if c.GroupID != "" {
		d.GroupID = c.GroupID
	}
	if c.Territory != "" {
		d.TerritoryCode = c.Territory
	}
	return d
}

// Countries reads the countries of data that came as JSON as those of a table
// are read: by code or by name.
func Countries(d *kam.RequestData) {
	ReadCountry(&d.CountryCode)
	d.Addresses = slices.Clone(d.Addresses) // the caller keeps his own
	for i := range d.Addresses {
		ReadCountry(&d.Addresses[i].CountryCode)
	}
	d.Identifiers = slices.Clone(d.Identifiers)
	for i := range d.Identifiers {
		ReadCountry(&d.Identifiers[i].Country)
	}
}

// ReadCountry puts the code in the place of what is written for a country;
// what is none is left for the form check.
func ReadCountry(text *string) {
	if code, ok := kam.CountryNamed(*text); ok {
		*text = code
	}
}
