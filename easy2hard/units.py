"""How the figures of a metric are written: its name, its unit, its decimals.

The metrics' own files say so too, but they need torch, and a board does not.
"""

_NAMES = {"psnr": "PSNR", "ssim": "SSIM", "solved": "mazes solved", "path_iou": "path IoU"}
_SHARES = ("solved", "pixels", "path_iou", "accuracy")
_DECIMALS = {"dB": 2, "%": 1, "": 3}


def unit(metric: str) -> str:
    """The unit in which a metric is written: dB, % or none."""
    if metric.startswith("psnr"):
        return "dB"
    return "%" if metric in _SHARES else ""


def label(metric: str) -> str:
    """A metric's name with its unit, as on an axis: `PSNR (dB)`."""
    name = _NAMES.get(metric, metric.replace("_", " "))
    return f"{name} ({unit(metric)})" if unit(metric) else name


def scale(metric: str) -> float:
    """What a value is multiplied by to stand in its unit: 100 for shares."""
    return 100.0 if unit(metric) == "%" else 1.0


def show(metric: str, value: float | None) -> str:
    """A value in its unit: dB with two decimals, shares as per cent with one, the rest with three; None is n/a."""
    if value is None:
        return "n/a"
    text = f"{value * scale(metric):.{_DECIMALS[unit(metric)]}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def show_spread(metric: str, value: float | None, sd: float | None) -> str:
    """A value with its standard deviation over seeds, where there are several."""
    return show(metric, value) + (f" ± {show(metric, sd)}" if sd is not None else "")


def show_interval(metric: str, interval: tuple[float, float] | None) -> str:
    """An interval in brackets; a dash where it is not known."""
    return f"[{show(metric, interval[0])}, {show(metric, interval[1])}]" if interval else "–"


def show_macs(macs: float) -> str:
    """Multiply-accumulates of an answer; a dash for 0, as of the filters of other libraries, where nobody counts."""
    return show_count(macs) if macs else "–"


def show_count(count: float) -> str:
    """A large number with three digits and its power of a thousand: `27.5 M`."""
    for power, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * power:
            return (
                f"{count / power:.0f} {letter}" if count >= 99.95 * power else f"{count / power:.3g} {letter}"
            )
    return f"{count:.0f}"
