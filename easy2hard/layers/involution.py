"""Involution: a weighted sum over each pixel's neighbourhood, with weights of its own for every pixel.

Li et al., "Involution: Inverting the Inherence of Convolution for Visual Recognition" (CVPR 2021): where a convolution
has a kernel per channel, shared by all pixels, this has a kernel per pixel, shared by the channels of a group. What
makes the kernels (phi in the paper) is the model's own.

Neither direction unfolds the image, which would take kernel_size^2 times its memory: each of the kernel's places is one
shifted multiply-add, in place, on a few images at a time that stay in the processor's cache.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import register_flop_formula

from easy2hard.errors import UserError
from easy2hard.layers import pieces

_PLANES = 8  # the image, its gradient, a product, a sum, and some weights


def involution(x: Tensor, weight: Tensor) -> Tensor:
    """out[n, c, h, w] = sum over i, j < k of weight[n, g, i k + j, h, w] x[n, c, h + i - k // 2, w + j - k // 2].

    x is (n, channels, height, width) and 0 outside; weight is (n, groups, k^2, height, width) with k odd; channel c
    belongs to group g = c // (channels / groups). The answer has the form and dtype of x; sums of 16-bit floats are
    taken in float32. The gradients have no gradients of their own. Raises `UserError` where the forms do not fit, and
    for a kernel that reaches beyond the image from every pixel of it.
    """
    if x.dim() != 4 or weight.dim() != 5 or not (x.is_floating_point() and weight.is_floating_point()):
        raise UserError(
            "involution needs floats x (n, channels, height, width) and weight (n, groups, k^2, height, width); "
            f"got {x.dtype} {tuple(x.shape)} and {weight.dtype} {tuple(weight.shape)}."
        )
    (n, channels, *image), (n_weight, groups, taps, *image_weight) = x.shape, weight.shape
    if n != n_weight or image != image_weight:
        raise UserError(
            f"x and weight must agree in n, height and width; got {tuple(x.shape)} and {tuple(weight.shape)}."
        )
    if groups < 1 or channels % groups:
        raise UserError(f"the groups must divide the channels; got {groups} groups of {channels} channels.")
    if _side(taps) ** 2 != taps or _side(taps) % 2 == 0:
        raise UserError(f"weight needs k^2 entries in its third place with k odd: 1, 9, 25, ...; got {taps}.")
    if _side(taps) > max(1, 2 * max(image) - 1):
        raise UserError(
            f"a kernel of more than {2 * max(image) - 1} pixels a side has places that no pixel of a "
            f"{image[0]} x {image[1]} image ever fills; got {_side(taps)}. Take a smaller one."
        )
    result: Tensor = _involution(x, weight)
    return result


# As for the median: operators that torch.compile calls as they are.
@torch.library.custom_op("easy2hard::involution", mutates_args=())
def _involution(x: Tensor, weight: Tensor) -> Tensor:
    answer = torch.empty_like(x)
    side, width = _side(weight.shape[2]), x.shape[-1]
    for part, kernels, result in pieces(x, weight, answer, planes=_PLANES):
        line, taps = _lines(part, kernels)
        row, length = width + side - 1, taps.shape[-1]
        total = taps.new_zeros(*line.shape[:3], length)
        for tap, offset in enumerate(_offsets(side, row)):
            total.addcmul_(taps[:, :, tap], line[..., offset : offset + length])
        result.copy_(total.view(*part.shape[:3], row)[..., :width])
    return answer


@_involution.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    return torch.empty_like(x)


# A multiply-add is two operations; without this no counter sees them.
@register_flop_formula(torch.ops.easy2hard.involution)
def _operations(x: torch.Size, weight: torch.Size, out_shape: object = None) -> int:
    return 2 * math.prod(x) * weight[2]


@torch.library.custom_op("easy2hard::involution_backward", mutates_args=())
def _involution_backward(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    answers = torch.empty_like(x), torch.empty_like(weight)
    for part in pieces(x, weight, gradient, *answers, planes=_PLANES):
        _backward_of(*part)
    return answers


@_involution_backward.register_fake
def _(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), torch.empty_like(weight)


def _backward_of(
    x: Tensor, weight: Tensor, gradient: Tensor, x_answer: Tensor, weight_answer: Tensor
) -> None:
    """Fill the gradients of a piece: each tap passes its weight back to x, and meets x on the way."""
    n, channels, height, width = x.shape
    side = _side(weight.shape[2])
    line, taps = _lines(x, weight)
    row, length = width + side - 1, taps.shape[-1]
    share = F.pad(gradient.to(line.dtype), [0, side - 1]).view(*line.shape[:3], length)
    to_line, to_taps = torch.zeros_like(line), torch.empty_like(taps[:, :, :, 0])
    product = torch.empty_like(share)
    for tap, offset in enumerate(_offsets(side, row)):
        to_line[..., offset : offset + length].addcmul_(taps[:, :, tap], share)
        torch.mul(share, line[..., offset : offset + length], out=product)
        torch.sum(product, dim=2, out=to_taps[:, :, tap])
    inside = slice(side // 2, side // 2 + height), slice(side // 2, side // 2 + width)
    bordered = to_line[..., : (height + side - 1) * row].view(n, channels, -1, row)
    x_answer.copy_(bordered[..., inside[0], inside[1]])
    weight_answer.copy_(to_taps.view(*weight.shape[:4], row)[..., :width])


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _pass_back(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
    to_x, to_weight = _involution_backward(gradient, *ctx.saved_tensors)
    return to_x, to_weight


_involution.register_autograd(_pass_back, setup_context=_keep)


def _lines(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """x in a border of zeros, and the weights, with rows of one length written one behind the other.

    So a neighbour is a fixed offset away, and every operation runs over whole images. The shapes are
    (n, groups, channels / groups, length + largest offset) and (n, groups, k^2, 1, length); where a row of weights lies
    beside the image they are 0.
    """
    (n, channels, height, width), (_, groups, taps, _, _) = x.shape, weight.shape
    margin = _side(taps) // 2
    row = width + 2 * margin
    dtype = torch.promote_types(torch.promote_types(x.dtype, weight.dtype), torch.float32)
    end = (height + 2 * margin) * row
    line = x.new_zeros(n, groups, channels // groups, end + 2 * margin, dtype=dtype)
    bordered = line[..., :end].view(n, channels, height + 2 * margin, row)
    bordered[..., margin : margin + height, margin : margin + width] = x
    padded = F.pad(weight.to(dtype), [0, 2 * margin])
    return line, padded.view(n, groups, taps, 1, height * row)


def _offsets(side: int, row: int) -> list[int]:
    """Where each tap finds its pixel, counted from the first."""
    return [i * row + j for i in range(side) for j in range(side)]


def _side(taps: int) -> int:
    return math.isqrt(taps)
