package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Rekey computes anew what parties are found by, where rules of another version
// than those of keys did: a newer release reads names, numbers or codes in
// another way, and what the comparison accepts the search has to find. It may
// run at any time, in any number of programs, and writes nothing where all keys
// are of the version. It returns how many parties it wrote.
func (s *Store) Rekey(ctx context.Context, keys func(PartyData) PartyKeys) (int, error) {
	const stale = `
		select ref, kind, group_id, data from kam.party
		where ref > $1 and not keys @> array[$2] order by ref limit 1000 for update`
	const update = `update kam.party set country = $2, names = $3, name_text = $4, keys = $5 where ref = $1`

	type row struct {
		Ref, Kind, GroupID string
		Data               PartyData
	}
	written, version := 0, versionKey(keys(PartyData{}).Version)
	for after := ""; ; {
		var rows []row
		err := s.inTx(ctx, "renew the keys of parties", func(tx pgx.Tx) (err error) {
			if _, err := tx.Exec(ctx, unhurriedly); err != nil {
				return err //nolint:wrapcheck // inTx says what was done
			}
			if rows, err = list(ctx, tx, "list parties with old keys", pgx.RowToStructByPos[row], stale, after, version); err != nil {
				return err
			}
			var b pgx.Batch
			for _, r := range rows {
				args := partyArgs(Party{Ref: r.Ref, Kind: r.Kind, GroupID: r.GroupID, Data: r.Data}, keys(r.Data))
				b.Queue(update, r.Ref, args[3], args[4], args[5], args[6])
			}
			return tx.SendBatch(ctx, &b).Close() //nolint:wrapcheck // inTx says what was done
		})
		if err != nil || len(rows) == 0 {
			return written, err
		}
		written, after = written+len(rows), rows[len(rows)-1].Ref
	}
}
