package match

import (
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Host is the host of a web address as people write it, in the form in which
// hosts are compared and looked up: lower case, without scheme, user, port,
// path, "www." and the dot at the end, an international name in its own
// letters. Of several addresses the first one counts. It is empty where the
// text names no host.
func Host(website string) string {
	s := strings.ToLower(strings.TrimLeft(norm.NFKC.String(website), " \t\n,;<\"'"))
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	} else {
		s = strings.TrimPrefix(s, "//")
	}
	if end := strings.IndexAny(s, `/\?#,;<>"' `+"\t\r\n"); end >= 0 {
		s = s[:end]
	}
	s = s[strings.LastIndex(s, "@")+1:]
	switch {
	case strings.HasPrefix(s, "["): // an IPv6 address
		s, _, _ = strings.Cut(s[1:], "]")
		return s
	case strings.Count(s, ":") == 1:
		s, _, _ = strings.Cut(s, ":")
	}
	s = strings.Trim(s, ".")
	for strings.HasPrefix(s, "www.") && strings.Count(s, ".") > 1 {
		s = s[len("www."):]
	}
	labels := strings.Split(s, ".")
	for i, l := range labels {
		if code, ok := strings.CutPrefix(l, "xn--"); ok {
			if own := fromPunycode(code); own != "" {
				labels[i] = norm.NFKC.String(own)
			}
		}
	}
	return strings.Join(labels, ".")
}

// fromPunycode decodes a label of an international name (RFC 3492); it is empty
// where that is not possible.
func fromPunycode(s string) string {
	const base, tMin, tMax, skew, damp = 36, 1, 26, 38, 700
	var out []rune
	if at := strings.LastIndex(s, "-"); at >= 0 {
		out, s = []rune(s[:at]), s[at+1:]
	}
	n, i, bias := 128, 0, 72
	for first := true; s != ""; first = false {
		before, weight := i, 1
		for k := base; ; k += base {
			if s == "" {
				return ""
			}
			digit := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", s[0])
			s = s[1:]
			if digit < 0 || i > math.MaxInt32 || weight > math.MaxInt32 {
				return ""
			}
			i += digit * weight
			t := min(max(k-bias, tMin), tMax)
			if digit < t {
				break
			}
			weight *= base - t
		}
		delta, count := i-before, len(out)+1
		if delta /= 2; first {
			delta = (i - before) / damp
		}
		bias = 0
		for delta += delta / count; delta > (base-tMin)*tMax/2; bias += base {
			delta /= base - tMin
		}
		bias += (base - tMin + 1) * delta / (delta + skew)
		n, i = n+i/count, i%count
		if !utf8.ValidRune(rune(n)) || n > utf8.MaxRune {
			return ""
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out)
}
