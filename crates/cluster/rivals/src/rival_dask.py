"""Dask distributed: a scheduler and worker processes of one thread each, on the loopback interface."""

from distributed import Client, LocalCluster

import rival_pipes


def echo(data):
    return data


def main():
    options = {"n_workers": rival_pipes.WORKERS, "threads_per_worker": 1, "processes": True}
    with LocalCluster(host="127.0.0.1", dashboard_address=None, **options) as cluster:
        with Client(cluster) as client:
            rival_pipes.serve(
                # Not pure: a pure function of the same input would run once.
                lambda data: client.submit(echo, data, pure=False),
                lambda future: future.result(),
                lambda inputs: client.gather(client.map(echo, inputs, pure=False)),
            )


if __name__ == "__main__":
    main()
