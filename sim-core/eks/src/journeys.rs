//! Journeys: the way of one traveller through the stations, a file each.
