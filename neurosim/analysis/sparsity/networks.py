"""Sparsity and structure of connections: density, modules, small worlds. Graphs are those of networkx.

References
----------
M. E. J. Newman, M. Girvan: Finding and evaluating community structure in networks. Phys. Rev. E 69:026113 (2004). E. A.
Leicht, M. E. J. Newman: Community structure in directed networks. Phys. Rev. Lett. 100:118703 (2008). V. D. Blondel et
al.: Fast unfolding of communities in large networks. J. Stat. Mech. P10008 (2008). M. D. Humphries, K. Gurney: Network
'small-world-ness'. PLoS ONE 3:e0002051 (2008). Q. K. Telesford et al.: The ubiquity of small-world networks. Brain
Connect. 1:367 (2011). S. Maslov, K. Sneppen: Specificity and stability in topology of protein networks. Science 296:910
(2002).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.circuit.circuit import Circuit
from neurosim.errors import AnalysisError, nearest
from neurosim.extras import optional

#: How often each edge of a rewired graph was part of a swap, on average.
_SWAPS = 10


def networkx() -> Any:
    """Return the package, or say how to install it."""
    return optional("networkx", "the structure of networks", extra="analysis", error=AnalysisError)


def graph(circuit: Circuit, *projections: str, weights: bool = False) -> Any:
    """Return the connections of a circuit as a directed graph.

    Parameters
    ----------
    circuit
        Whose.
    *projections
        Which; by default all.
    weights
        Whether edges have a ``weight``: the sum where several join the same two neurons, in SI. Otherwise there is one
        edge where any is, whatever its weight.

    Returns
    -------
    networkx.DiGraph
        Its nodes are ``(population, neuron)``, all neurons of the populations concerned.

    Raises
    ------
    AnalysisError
        If there is no such projection, or weights of different units would be added.
    """
    made = networkx().DiGraph()
    for name in projections or circuit.projections:
        if name not in circuit.projections:
            raise AnalysisError(
                f"circuit {circuit.name!r} has no projection {name!r}.{nearest(name, circuit.projections)}"
            )
        part = circuit.projections[name]
        for population in (part.pre, part.post):
            made.add_nodes_from((population, number) for number in range(circuit.populations[population].n))
        edges = circuit.edges(name)
        for pre, post, weight in zip(edges.pre.tolist(), edges.post.tolist(), edges.weight.tolist(), strict=True):
            ends = ((part.pre, pre), (part.post, post))
            if not weights:
                made.add_edge(*ends)
            elif not made.has_edge(*ends):
                made.add_edge(*ends, weight=weight, unit=part.weight_unit)
            elif made.edges[ends]["unit"] != part.weight_unit:
                raise AnalysisError(f"weights in {part.weight_unit} and {made.edges[ends]['unit']} cannot be added.")
            else:
                made.edges[ends]["weight"] += weight
    return made


def connection_sparsity(weights: ArrayLike, *, self_connections: bool = True) -> float:
    """Return the share of weights that are 0.

    Parameters
    ----------
    weights
        A matrix; NaN where there is no edge, as :func:`neurosim.analysis.weight_matrix` has it, is 0 too.
    self_connections
        Whether the diagonal counts; without it the matrix must be square.
    """
    matrix = _matrix(weights, square=not self_connections)
    there = np.nan_to_num(matrix) != 0
    if self_connections:
        return 1.0 - float(there.mean())
    outside = ~np.eye(len(there), dtype=bool)
    if not outside.any():
        raise AnalysisError("connection_sparsity: a single neuron has no connections but to itself.")
    return 1.0 - float(there[outside].mean())


def density(network: Any, *, directed: bool = True) -> float:
    r"""Return the share of possible connections that are there, self-connections left out.

    Parameters
    ----------
    network
        A graph of networkx, which knows whether it is directed, or a square matrix of weights.
    directed
        Of a matrix: :math:`m / (n (n - 1))`, else :math:`2 m / (n (n - 1))` with an edge where either of two weights is
        not 0.
    """
    if hasattr(network, "number_of_nodes"):
        whole = network
        n = whole.number_of_nodes()
        edges = len({(a, b) if whole.is_directed() else frozenset((a, b)) for a, b in whole.edges() if a != b})
        pairs = n * (n - 1) / (1 if whole.is_directed() else 2)
    else:
        matrix = np.nan_to_num(_matrix(network, square=True)) != 0
        n = len(matrix)
        there = matrix & ~np.eye(n, dtype=bool)
        edges = int(np.count_nonzero(there if directed else np.triu(there | there.T)))
        pairs = n * (n - 1) / (1 if directed else 2)
    if not pairs:
        raise AnalysisError(f"density: {n} neurons have no connections between them.")
    return float(edges / pairs)


@dataclass(frozen=True)
class Modules:
    """A division of a network.

    Parameters
    ----------
    modularity
        From -1/2 to below 1: how many more edges lie inside than if they were drawn by degree.
    modules
        The nodes of each, the largest first.
    """

    modularity: float
    modules: tuple[frozenset[Hashable], ...]


def modularity(
    network: Any,
    modules: Iterable[Iterable[Hashable]] | None = None,
    *,
    method: str = "louvain",
    weight: str | None = None,
    seed: int = 0,
) -> Modules:
    """Return how modular a network is, for given modules or for those that are found.

    Parameters
    ----------
    network
        A graph of networkx, directed or not; or a square matrix, which is a directed graph.
    modules
        The division; by default one is looked for.
    method
        ``"louvain"`` or ``"greedy"``.
    weight
        The name of what edges count for; by default all count alike, even if they have weights.
    seed
        Of Louvain's order.
    """
    whole, nx = _graph(network), networkx()
    if not whole.number_of_edges():
        raise AnalysisError("modularity: the network has no edges.")
    found: Any
    if modules is not None:
        found = [set(module) for module in modules]
        if sorted(map(str, (node for module in found for node in module))) != sorted(map(str, whole.nodes)):
            raise AnalysisError("modularity: modules= must hold every node once.")
    elif method == "louvain":
        found = nx.community.louvain_communities(whole, weight=weight, seed=seed)
    elif method == "greedy":
        found = nx.community.greedy_modularity_communities(whole, weight=weight)
    else:
        raise AnalysisError(f"modularity: method={method!r} is unknown.{nearest(method, ('louvain', 'greedy'))}")
    ordered = sorted((frozenset(module) for module in found if module), key=len, reverse=True)
    return Modules(float(nx.community.modularity(whole, ordered, weight=weight)), tuple(ordered))


@dataclass(frozen=True)
class SmallWorld:
    """Clustering and distances of a network beside those of others with the same degrees.

    Parameters
    ----------
    clustering, path_length
        Of the network, undirected: the mean share of a node's neighbours that are neighbours, and the mean number of
        edges between two nodes.
    efficiency
        The mean of 1 over that number, 0 where there is no way: defined for any network.
    random_clustering, random_path_length
        Means over rewired networks.
    lattice_clustering
        Of the same network with its edges brought near its diagonal, or as it is if that clusters more.
    share
        The share of nodes in the largest connected part, of which all of these are, efficiency apart.
    """

    clustering: float
    path_length: float
    efficiency: float
    random_clustering: float
    random_path_length: float
    lattice_clustering: float
    share: float

    @property
    def sigma(self) -> float:
        """Clustering over path length, both relative to random ones: above 1 in a small world."""
        if self.random_clustering == 0:
            return float("inf") if self.clustering else float("nan")
        return (self.clustering / self.random_clustering) / (self.path_length / self.random_path_length)

    @property
    def omega(self) -> float:
        """Near 0 in a small world, towards 1 in a random network, towards -1 in a lattice."""
        if self.lattice_clustering == 0:
            return float("nan")
        return self.random_path_length / self.path_length - self.clustering / self.lattice_clustering


def small_world(network: Any, *, rewired: int = 10, seed: int = 0) -> SmallWorld:
    """Return whether a network is a small world, and what that is judged by.

    Parameters
    ----------
    network
        A graph of networkx, or a square matrix; directions, weights and self-connections are left out.
    rewired
        How many random networks of the same degrees it is held against.
    seed
        Of the rewiring.

    Raises
    ------
    AnalysisError
        If the largest connected part is too small, or too dense, to be rewired.
    """
    nx = networkx()
    if rewired < 1:
        raise AnalysisError(f"small_world: rewired must be 1 at least, got {rewired}.")
    whole = nx.Graph(_graph(network))
    whole.remove_edges_from(list(nx.selfloop_edges(whole)))
    nodes: set[Hashable] = max(nx.connected_components(whole), key=len, default=set())
    part = whole.subgraph(nodes).copy()
    if len(nodes) < 4 or part.number_of_edges() < 4:
        raise AnalysisError(f"small_world: the largest connected part has {len(nodes)} nodes, too few to be rewired.")
    rewirings = [_rewired(part, seed + number) for number in range(rewired)]
    lattice = nx.lattice_reference(part, niter=5, connectivity=False, seed=seed)
    clustering = float(nx.average_clustering(part))
    return SmallWorld(
        clustering=clustering,
        path_length=_path_length(part),
        efficiency=_efficiency(whole),
        random_clustering=float(np.mean([nx.average_clustering(other) for other in rewirings])),
        random_path_length=float(np.mean([_path_length(other) for other in rewirings])),
        lattice_clustering=max(clustering, float(nx.average_clustering(lattice))),
        share=len(nodes) / whole.number_of_nodes(),
    )


def _rewired(part: Any, seed: int) -> Any:
    nx = networkx()
    other = part.copy()
    swaps = _SWAPS * other.number_of_edges()
    try:
        nx.double_edge_swap(other, nswap=swaps, max_tries=100 * swaps, seed=seed)
    except nx.NetworkXException as error:
        raise AnalysisError(f"small_world: the network cannot be rewired: {error}") from None
    return other


def _distances(part: Any) -> NDArray[np.float64]:
    """Return the numbers of edges between any two nodes; inf where there is no way."""
    from scipy.sparse.csgraph import shortest_path

    return np.asarray(shortest_path(networkx().to_scipy_sparse_array(part, weight=None), unweighted=True))


def _path_length(part: Any) -> float:
    """Return the mean distance of the pairs that are connected; rewiring may have cut some off."""
    apart = _distances(part)
    reached = np.isfinite(apart) & (apart > 0)
    return float(apart[reached].mean())


def _efficiency(whole: Any) -> float:
    apart = _distances(whole)
    n = len(apart)
    with np.errstate(divide="ignore"):
        inverse = 1.0 / apart
    np.fill_diagonal(inverse, 0.0)
    return float(inverse.sum() / (n * (n - 1)))


def _graph(network: Any) -> Any:
    nx = networkx()
    if isinstance(network, nx.Graph):
        return network
    matrix = np.nan_to_num(_matrix(network, square=True))
    made = nx.DiGraph()
    made.add_nodes_from(range(len(matrix)))
    # as weight_matrix has it, rows are postsynaptic
    made.add_weighted_edges_from((int(pre), int(post), matrix[post, pre]) for post, pre in np.argwhere(matrix != 0))
    return made


def _matrix(weights: Any, *, square: bool) -> NDArray[np.float64]:
    matrix = np.asarray(weights, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0 or (square and matrix.shape[0] != matrix.shape[1]):
        kind = "a square matrix" if square else "a matrix"
        raise AnalysisError(f"weights must be {kind} (post, pre), got shape {matrix.shape}.")
    return matrix
