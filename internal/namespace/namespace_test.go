package namespace

import (
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/kamflow/kamflow/kam/onboarding"
)

func TestMissingOf(t *testing.T) {
	t.Parallel()
	missing, err := missingOf(SearchAttributes(), SearchAttributes())
	require.NoError(t, err)
	require.Empty(t, missing)

	have := SearchAttributes()
	delete(have, onboarding.AttrDue)
	missing, err = missingOf(have, SearchAttributes())
	require.NoError(t, err)
	require.Equal(t, "  temporal operator search-attribute create --namespace sales --name KamDue --type Datetime", Commands("sales", missing))

	have[onboarding.AttrState] = enumspb.INDEXED_VALUE_TYPE_TEXT
	_, err = missingOf(have, SearchAttributes())
	require.ErrorContains(t, err, "KamState exists as Text and must be Keyword")
}
