"""The oscillatory memory of Casanueva-Morato et al. (2022), after the recurrent connections of the region CA3."""
