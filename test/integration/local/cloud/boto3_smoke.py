"""The local cloud seen by a client that shares no code with it: its codec comes from the AWS SDK for JavaScript.

Usage: boto3_smoke.py ENDPOINT REGION ACCESS_KEY SECRET_KEY SNAPSHOT IMAGE SUBNET. Prints "ok" last; any other end is a failure.
"""

import base64
import hashlib
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region, access_key, secret_key, snapshot, image, subnet = sys.argv[1:]


def client(service, secret=secret_key):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"not refused with {code}")


ec2, ebs, sts, kms, ssm = (client(service) for service in ("ec2", "ebs", "sts", "kms", "ssm"))
assert sts.get_caller_identity()["Account"] == "000000000000"

found = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "snapshot-id", "Values": [snapshot]}])["Snapshots"]
assert [item["SnapshotId"] for item in found] == [snapshot] and found[0]["State"] == "completed", found
assert found[0]["StartTime"].tzinfo is not None

dry = refused(
    "DryRunOperation",
    ec2.run_instances,
    ImageId=image,
    MinCount=1,
    MaxCount=1,
    SubnetId=subnet,
    DryRun=True,
    BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": True}}],
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "a=&", "Value": "ü <b>"}]}],
)
assert dry["ResponseMetadata"]["HTTPStatusCode"] == 412
refused("InvalidSnapshot.NotFound", ec2.describe_snapshots, SnapshotIds=["snap-0123456789abcdef0"])
refused("SignatureDoesNotMatch", client("ec2", "wrong").describe_instances)

ec2.create_tags(Resources=[snapshot], Tags=[{"Key": "boto3", "Value": "ü <b> & more"}])
tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["boto3"]}])["Tags"]
assert [(tag["ResourceId"], tag["Value"]) for tag in tags] == [(snapshot, "ü <b> & more")], tags

listing = ebs.list_snapshot_blocks(SnapshotId=snapshot)
assert listing["BlockSize"] == 524288 and listing["Blocks"], listing
for block in listing["Blocks"]:
    answer = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=block["BlockIndex"], BlockToken=block["BlockToken"])
    data = answer["BlockData"].read()
    assert len(data) == answer["DataLength"] == 524288
    assert base64.b64encode(hashlib.sha256(data).digest()).decode() == answer["Checksum"]

started = ebs.start_snapshot(VolumeSize=1, Tags=[{"Key": "boto3", "Value": "upload"}])
data = bytes(range(256)) * 2048
checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
put = ebs.put_snapshot_block(
    SnapshotId=started["SnapshotId"],
    BlockIndex=3,
    BlockData=data,
    DataLength=len(data),
    Checksum=checksum,
    ChecksumAlgorithm="SHA256",
)
assert put["ResponseMetadata"]["HTTPStatusCode"] == 201 and put["Checksum"] == checksum
linear = base64.b64encode(hashlib.sha256(hashlib.sha256(data).digest()).digest()).decode()
done = ebs.complete_snapshot(
    SnapshotId=started["SnapshotId"],
    ChangedBlocksCount=1,
    Checksum=linear,
    ChecksumAlgorithm="SHA256",
    ChecksumAggregationMethod="LINEAR",
)
assert done["ResponseMetadata"]["HTTPStatusCode"] == 202 and done["Status"] == "pending"
ec2.get_waiter("snapshot_completed").wait(
    SnapshotIds=[started["SnapshotId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
)

key = kms.create_key()["KeyMetadata"]["KeyId"]
sealed = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})
assert kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})["Plaintext"] == sealed["Plaintext"]

assert ssm.describe_instance_information(Filters=[{"Key": "PingStatus", "Values": ["Online"]}])["InstanceInformationList"] == []
assert ssm.list_commands()["Commands"] == [] and ssm.list_command_invocations(Details=True)["CommandInvocations"] == []
command = {"InstanceIds": ["i-0123456789abcdef0"], "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["id"]}}
refused("InvalidInstanceId", ssm.send_command, **command)
refused("ValidationException", ssm.send_command, OutputS3BucketName="bucket", **command)
some = "00000000-0000-0000-0000-000000000000"
refused("InvocationDoesNotExist", ssm.get_command_invocation, CommandId=some, InstanceId="i-0123456789abcdef0")
refused("InvalidCommandId", ssm.cancel_command, CommandId=some)

subnets = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
vpc = subnets[0]["VpcId"]
endpoint = {"VpcId": vpc, "VpcEndpointType": "Interface", "ServiceName": f"com.amazonaws.{region}.ssm", "SubnetIds": [subnet]}
refused("InvalidParameter", ec2.create_vpc_endpoint, PrivateDnsEnabled=True, **endpoint)
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
made = ec2.create_vpc_endpoint(PrivateDnsEnabled=True, **endpoint)["VpcEndpoint"]
shown = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
assert [item["VpcEndpointId"] for item in shown] == [made["VpcEndpointId"]] and shown[0]["PrivateDnsEnabled"], shown
cards = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
assert cards[0]["InterfaceType"] == "vpc_endpoint" and cards[0]["RequesterManaged"], cards
assert ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["Unsuccessful"] == []
print("ok")
