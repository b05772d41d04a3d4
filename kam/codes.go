package kam

import "strings"

// Codes of ISO 3166-1 alpha-2 and ISO 4217, as text so that a diff of a change
// in the standards is readable.
const (
	isoCountries = `
	AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI
	BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN
	CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
	FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
	HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
	KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
	ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP
	NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
	SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
	TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
	VN VU WF WS YE YT ZA ZM ZW
	`
	// Codes that ISO 3166-1 leaves to its users and that registers, banks and the
	// European Commission use: XK is Kosovo (D42).
	userAssigned = `XK`
	// Currencies by the number of decimals of their minor unit.
	currencies0 = `
	BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
	`
	currencies2 = `
	AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP
	BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB
	EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
	KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
	MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
	RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
	TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
	`
	currencies3 = `
	BHD IQD JOD KWD LYD OMR TND
	`
)

var (
	countrySet     = codeSet(isoCountries + userAssigned)
	currencyDigits = func() map[string]int {
		m := map[string]int{}
		for digits, codes := range map[int]string{0: currencies0, 2: currencies2, 3: currencies3} {
			for c := range codeSet(codes) {
				m[c] = digits
			}
		}
		return m
	}()
)

func codeSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, c := range strings.Fields(text) {
		set[c] = true
	}
	return set
}

// IsCountry says whether code is ISO 3166-1 alpha-2, in upper case, or XK.
func IsCountry(code string) bool { return countrySet[code] }

// IsCurrency says whether code is ISO 4217 and in use.
func IsCurrency(code string) bool { _, ok := currencyDigits[code]; return ok }

// CurrencyDigits is the number of decimals of a currency's minor unit; 2 for
// a code that is not known.
func CurrencyDigits(code string) int {
	if d, ok := currencyDigits[code]; ok {
		return d
	}
	return 2
}
