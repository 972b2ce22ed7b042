package bench

// pageModel is what page.js computes with.
type pageModel struct {
	Assumed  []Assumption `json:"assumed"`
	Choices  []pageChoice `json:"choices"`
	Prunings []Pruning    `json:"prunings"`
	Horizons []int        `json:"horizons"`

	ObjectFolders float64 `json:"objectFolders"`
	SnapshotFiles float64 `json:"snapshotFiles"`
	DayFolders    float64 `json:"dayFolders"`
	NameBytes     float64 `json:"nameBytes"`
	Fullness      float64 `json:"fullness"`
	RebuildLine   float64 `json:"rebuildLine"`

	KeptAt map[int]float64 `json:"keptAt"`

	Days  int        `json:"days"`  // after which the picture shows the disk
	Kinds []string   `json:"kinds"` // of points, in the order of their shapes
	Times []pageTime `json:"times"` // at which the axis has labels
	Ticks int        `json:"ticks"` // at most
}

type pageChoice struct {
	Choice
	Now bool `json:"now"`
}

type pageTime struct {
	Value float64 `json:"value"`
	Label string  `json:"label"`
}

func (p *Page) model() (m pageModel) {
	m = pageModel{Assumed: p.Assumptions.List(), Prunings: p.Prunings, Horizons: Horizons, ObjectFolders: objectFolders, SnapshotFiles: snapshotFiles, DayFolders: dayFolders,
		NameBytes: nameBytes, Fullness: fullness, RebuildLine: rebuildLine, KeptAt: p.Assumptions.KeptAt, Days: frontierDays, Ticks: mostTicks}
	for _, c := range p.Choices {
		m.Choices = append(m.Choices, pageChoice{c, c.Name() == p.Present})
	}
	for _, k := range frontierKinds {
		m.Kinds = append(m.Kinds, k.strategy+", "+k.scheme)
	}
	for _, v := range roundTimes {
		m.Times = append(m.Times, pageTime{v, shortly(v)})
	}
	return m
}
