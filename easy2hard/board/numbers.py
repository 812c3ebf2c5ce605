"""How figures are written on a board."""

from easy2hard.board.standing import Figure

_SHARES = ("solved", "pixels", "path_iou", "accuracy")


def unit(metric: str) -> str:
    """The unit in which a metric is written: dB, % or none."""
    if metric.startswith("psnr"):
        return "dB"
    return "%" if metric in _SHARES else ""


def show(metric: str, value: float | None) -> str:
    """A value of a metric: dB with two decimals, shares as per cent with one, the rest with three."""
    if value is None:
        return "n/a"
    decimals = {"dB": 2, "%": 1, "": 3}[unit(metric)]
    text = f"{100 * value if unit(metric) == '%' else value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def show_spread(metric: str, value: float | None, sd: float | None) -> str:
    """A value with its standard deviation over seeds, where there are several."""
    return show(metric, value) + (f" ± {show(metric, sd)}" if sd is not None else "")


def show_figure(metric: str, figure: Figure | None) -> str:
    """A figure with its spread over seeds; n/a for one that the entry cannot give, never 0."""
    return show_spread(metric, figure.value, figure.sd) if figure else "n/a"


def show_interval(metric: str, interval: tuple[float, float] | None) -> str:
    """An interval in brackets; a dash where it is not known."""
    return f"[{show(metric, interval[0])}, {show(metric, interval[1])}]" if interval else "–"


def show_count(count: float) -> str:
    """A large number with three digits and its power of a thousand: `27.5 M`."""
    for power, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= power:
            return (
                f"{count / power:.3g} {letter}" if count / power < 999.5 else f"{count / power:.0f} {letter}"
            )
    return f"{count:.0f}"
