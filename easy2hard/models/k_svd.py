"""K-SVD: a dictionary is learnt from the noisy image itself, and every patch is rebuilt from few of its atoms.

Elad and Aharon, Image denoising via sparse and redundant representations over learned dictionaries, IEEE TIP 15(12),
2006. The loops are numba kernels: one image has some two thousand patches, each coded anew in every round.
"""

import numpy as np
from numpy.typing import NDArray

from easy2hard import rng
from easy2hard.errors import UserError, positive, whole

Images = NDArray[np.float32]
Array = NDArray[np.float64]


class KSVD:
    """K-SVD on the patches of all channels together, told sigma (white is 1).

    `atoms` starts as the overcomplete cosine dictionary and is learnt anew for every image. A patch takes atoms, by
    orthogonal matching pursuit, until the squared norm of what is left is at most patch² (gain sigma)², or `most` of
    them are used. The answer is (lam/sigma · noisy + sum of patches) / (lam/sigma + number of patches) at each pixel.
    patch, atoms, gain and lam are the paper's for grey images in 0-255: lam is 30, and 30/255 here.
    """

    def __init__(
        self,
        patch: int = 8,
        atoms: int = 256,
        rounds: int = 10,
        gain: float = 1.15,
        lam: float = 30 / 255,
        most: int = 32,
    ) -> None:
        whole("K-SVD", patch=patch, least=2)
        whole("K-SVD", rounds=rounds, least=0)
        whole("K-SVD", atoms=atoms, most=most)
        positive("K-SVD", gain=gain, lam=lam, or_zero=True)
        if round(atoms**0.5) ** 2 != atoms:
            raise UserError(
                f"the atoms are products of two cosines, so their number is a square; got {atoms}."
            )
        self.patch, self.rounds, self.gain, self.lam, self.most = patch, rounds, gain, lam, most
        self.start = cosines(patch, round(atoms**0.5))

    def __call__(self, x: Images, level: float) -> Images:
        return np.stack([self.denoise(image.astype(np.float64), level) for image in x]).astype(np.float32)

    def denoise(self, image: Array, sigma: float) -> Array:
        """One image (channels, height, width); `UserError` for one smaller than a patch."""
        if min(image.shape[1:]) < self.patch:
            raise UserError(
                f"patches of {self.patch} x {self.patch} need an image of that size at least; "
                f"got {image.shape[1]} x {image.shape[2]}. Pad it before."
            )
        patches = cut(image, self.patch)
        means = patches.mean(axis=1, keepdims=True)
        rest, dictionary = patches - means, self.start.copy()
        allowed = (self.gain * sigma * self.patch) ** 2
        for _ in range(self.rounds):
            update(dictionary, rest, code(dictionary, rest, allowed, self.most))
        rebuilt = code(dictionary, rest, allowed, self.most) @ dictionary + means
        return lay(rebuilt, image, self.patch, self.lam / sigma)


def cosines(patch: int, frequencies: int) -> Array:
    """The overcomplete cosine dictionary, (frequencies², patch²): a row is an atom of unit length.

    Every atom but the constant one has mean 0 along each side in which it varies.
    """
    waves = np.cos(np.pi / frequencies * np.outer(np.arange(frequencies), np.arange(patch)))
    waves[1:] -= waves[1:].mean(axis=1, keepdims=True)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    return np.kron(waves, waves)


def cut(image: Array, patch: int) -> Array:
    """All overlapping patches of all channels, (channels · places, patch²)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (patch, patch), axis=(1, 2))
    return np.ascontiguousarray(windows.reshape(-1, patch * patch))


def lay(patches: Array, noisy: Array, patch: int, weight: float) -> Array:
    """The mean at each pixel of the patches that cover it, and of the noisy image with a `weight`."""
    channels, height, width = noisy.shape
    down, right = height - patch + 1, width - patch + 1
    placed = patches.reshape(channels, down, right, patch, patch)
    total: Array = weight * noisy
    count: Array = np.full((height, width), weight)
    for i in range(patch):
        for j in range(patch):
            total[:, i : i + down, j : j + right] += placed[:, :, :, i, j]
            count[i : i + down, j : j + right] += 1
    total /= count
    return total


def code(dictionary: Array, patches: Array, allowed: float, most: int) -> Array:
    """Orthogonal matching pursuit: coefficients (patches, atoms) that leave at most `allowed` of each squared norm.

    No patch uses more than `most` atoms; one that would need more is left with what they leave.
    """
    gram, products = dictionary @ dictionary.T, patches @ dictionary.T
    coefficients = np.zeros_like(products)
    _pursue(gram, products, (patches**2).sum(axis=1), allowed, most, coefficients)
    return coefficients


@rng.kernel
def _pursue(gram: Array, products: Array, norms: Array, allowed: float, most: int, answer: Array) -> None:
    """Each patch by itself, on inner products alone (Rubinstein, Zibulevsky and Elad's batch OMP, 2008).

    `factor` is the Cholesky factor of the chosen atoms' Gram matrix, grown by a row for each atom.
    """
    atoms = len(gram)
    factor, chosen = np.zeros((most, most)), np.zeros(most, np.int64)
    half, weights = np.zeros(most), np.zeros(most)
    for patch in range(len(products)):
        left, used = norms[patch], 0
        correlation = products[patch].copy()
        while left > allowed and used < most:
            best, largest = 0, 0.0
            for atom in range(atoms):
                if abs(correlation[atom]) > largest:
                    best, largest = atom, abs(correlation[atom])
            square = gram[best, best]
            for i in range(used):
                value = gram[chosen[i], best]
                for j in range(i):
                    value -= factor[i, j] * factor[used, j]
                factor[used, i] = value / factor[i, i]
                square -= factor[used, i] ** 2
            if square < 1e-10:  # the atom lies among those chosen: nothing more can be explained
                break
            factor[used, used] = square**0.5
            chosen[used] = best
            used += 1
            for i in range(used):
                half[i] = products[patch, chosen[i]]
                for j in range(i):
                    half[i] -= factor[i, j] * half[j]
                half[i] /= factor[i, i]
            left = norms[patch]
            for i in range(used):
                left -= half[i] ** 2
            for i in range(used - 1, -1, -1):
                weights[i] = half[i]
                for j in range(i + 1, used):
                    weights[i] -= factor[j, i] * weights[j]
                weights[i] /= factor[i, i]
            correlation[:] = products[patch]
            for i in range(used):
                for atom in range(atoms):
                    correlation[atom] -= weights[i] * gram[chosen[i], atom]
        for i in range(used):
            answer[patch, chosen[i]] = weights[i]


def update(dictionary: Array, patches: Array, coefficients: Array) -> None:
    """One round of K-SVD, in place: each atom in turn fits best what the others leave of the patches that use it."""
    _update(dictionary, patches - coefficients @ dictionary, coefficients)


@rng.kernel
def _update(dictionary: Array, rest: Array, coefficients: Array) -> None:
    """One power step in place of a singular value decomposition; an atom that nobody uses stays as it is."""
    size = dictionary.shape[1]
    fresh = np.empty(size)
    for atom in range(len(dictionary)):
        fresh[:] = 0.0
        for patch in range(len(rest)):
            weight = coefficients[patch, atom]
            if weight != 0.0:
                for k in range(size):
                    fresh[k] += weight * (rest[patch, k] + weight * dictionary[atom, k])
        norm = (fresh**2).sum() ** 0.5
        if norm < 1e-10:
            continue
        fresh /= norm
        for patch in range(len(rest)):
            weight = coefficients[patch, atom]
            if weight != 0.0:
                again = 0.0
                for k in range(size):
                    rest[patch, k] += weight * dictionary[atom, k]
                    again += rest[patch, k] * fresh[k]
                for k in range(size):
                    rest[patch, k] -= again * fresh[k]
                coefficients[patch, atom] = again
        dictionary[atom] = fresh
