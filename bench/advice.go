package bench

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// The gold strategy is worth its longer recovery where it keeps less than this share, and
// gold brings nearly everything back.
const (
	worthShare  = 0.6
	worthProven = 0.8
)

// Advice says in words what a forecast comes to.
func Advice(s *Survey, choices []Choice, present string) (says []string) {
	find := func(strategy string) *Choice {
		for i := range choices {
			if c := &choices[i]; c.Strategy == strategy && c.Scheme == "linked" && c.Days == "flat" {
				return c
			}
		}
		return nil
	}
	full, gold := find("full"), find("gold")
	if full == nil || gold == nil {
		return nil
	}
	const days = frontierDays
	share := gold.Bytes[days] / full.Bytes[days]
	proven := 0.0
	if s.Files.Bytes > 0 {
		proven = float64(s.Proven.Bytes) / float64(s.Files.Bytes)
	}
	sizes := fmt.Sprintf("After %d nights a backup by gold takes %s, a full one %s; the last file is back after %s, or %s.", days,
		humanize.Bytes(uint64(gold.Bytes[days])), humanize.Bytes(uint64(full.Bytes[days])), took(gold.Last), took(full.Last))
	best := full
	switch {
	case s.Rebuild.Missing > 0 && s.Rebuild.Golds == 0:
		says = append(says, "Nothing is known yet about what gold brings back: run repotool index, and make this report again. Until then: full, linked, flat days.", sizes)
	case share <= worthShare && proven >= worthProven:
		best = gold
		why := "Gold is proven to bring back %.0f %% of the bytes of files, so the backup takes %.0f %% of a full one, and loses nothing."
		if len(s.ByHand) > 0 {
			why = "If gold brings back %.0f %% of the bytes of files, as the figures say, the backup takes %.0f %% of a full one; repotool index proves it, file by file."
		}
		says = append(says, fmt.Sprintf("Recommended: %s. "+why, gold.Name(), 100*proven, 100*share), sizes)
	case s.Rebuild.Missing > 0:
		says = append(says, fmt.Sprintf("So far: %s. Of %d golds %d are not indexed yet (repotool index); those that are bring back %.0f %% of the bytes of files, and a backup by gold would take %.0f %% of a full one.",
			full.Name(), s.Rebuild.Golds+s.Rebuild.Missing, s.Rebuild.Missing, 100*proven, 100*share), sizes)
	default:
		says = append(says, fmt.Sprintf("Recommended: %s. Gold brings back %.0f %% of the bytes of files; a backup by gold would take %.0f %% of a full one, which is not worth the longer recovery.", full.Name(), 100*proven, 100*share), sizes)
	}
	if present != "" && present != best.Name() {
		says = append(says, "At present snapshots are taken by: "+present+".")
	}
	return says
}
