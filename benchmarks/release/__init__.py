"""What a release needs: training, packing, reference results, tables."""
